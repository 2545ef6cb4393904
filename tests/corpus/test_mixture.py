from dataclasses import replace

import pytest
import torch
from datasets import Dataset

from ner.corpus.dataset import encode, encode_trees
from ner.corpus.mixture import TreeMixture, check_same_sentences
from ner.corpus.rows import to_table
from ner.corpus.sentence import DependencyTree
from ner.corpus.vocabulary import build


def reversed_tree(sentence):
    """A chain from the last word to the first, with relations that no other tree has."""
    return replace(
        sentence,
        source=f"parsed:{sentence.source}",
        tree=DependencyTree(
            (*range(1, len(sentence)), len(sentence) - 1), ("chain",) * (len(sentence) - 1) + ("root",)
        ),
    )


def rows_of(sentences):
    return Dataset(to_table(sentences))


@pytest.fixture(scope="module")
def mixed(sentences):
    """The split of the tiny sentences, the other trees, and a mixture of both with the share given."""
    counts = {word: 2 for sentence in sentences for word in sentence.words}
    relations = {"chain", *(relation for sentence in sentences for relation in sentence.tree.relations)}
    vocabularies = build(word_counts=counts, relations=relations, labels=("PERSON", "GPE"))
    split = encode(sentences, vocabularies)
    others = encode_trees(rows_of([reversed_tree(sentence) for sentence in sentences]), vocabularies)
    return split, others, lambda share, seed=1: TreeMixture(split, *others, share=share, seed=seed)


def takes_other(split, others, epoch):
    """Whether each sentence has its other tree; it must have one of its two, whole."""
    lengths = split.lengths.tolist()
    own, other, drawn = (
        list(zip(heads.split(lengths), relation_ids.split(lengths), strict=True))
        for heads, relation_ids in ((split.heads, split.relation_ids), others, (epoch.heads, epoch.relation_ids))
    )
    is_own, is_other = (
        torch.tensor([all(map(torch.equal, one, two)) for one, two in zip(drawn, trees, strict=True)])
        for trees in (own, other)
    )
    assert (is_own ^ is_other).all()
    assert epoch.tag_ids is split.tag_ids
    assert epoch.word_rows is split.word_rows
    return is_other


def test_each_epoch_draws_whole_trees_in_the_share_asked_for(mixed):
    split, others, mixture = mixed
    drawn = torch.stack([takes_other(split, others, mixture(0.3).epoch(number)) for number in range(1, 41)])
    assert abs(float(drawn.float().mean()) - 0.3) < 0.03  # 2,560 draws: 3 standard deviations
    assert len(drawn.unique(dim=0)) == 40
    assert bool((drawn.any(0) & ~drawn.all(0)).all())
    assert not takes_other(split, others, mixture(0.0).epoch(1)).any()
    assert takes_other(split, others, mixture(1.0).epoch(1)).all()


def test_an_epoch_depends_on_seed_and_number_only(mixed):
    split, others, mixture = mixed
    torch.manual_seed(5)
    first = takes_other(split, others, mixture(0.5).epoch(7))
    torch.manual_seed(6)
    assert torch.equal(first, takes_other(split, others, mixture(0.5).epoch(7)))
    assert not torch.equal(first, takes_other(split, others, mixture(0.5, seed=2).epoch(7)))


def test_sentences_that_differ_are_named(sentences):
    own = [replace(sentence, source=f"a:{number}") for number, sentence in enumerate(sentences)]
    other = [reversed_tree(sentence) for sentence in own]
    check_same_sentences(rows_of(own), rows_of(other))
    other[2] = replace(other[2], words=("Others", *other[2].words[1:]))
    with pytest.raises(ValueError, match=r"^sentence 3 of 64 \(a:2\) has other words than that of 64 \(parsed:a:2\)$"):
        check_same_sentences(rows_of(own), rows_of(other))
    with pytest.raises(ValueError, match=r"^sentence 3 of 64 \(a:2\) has other words than that of 2 \(the end\)$"):
        check_same_sentences(rows_of(own), rows_of(other[:2]))
