"""The CRF over features, against the enumeration of all tag sequences."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import pytest
import torch

from ner.corpus.dataset import encode, token_columns
from ner.corpus.features import Features
from ner.corpus.row_columns import columns_of
from ner.corpus.tags import legal_transitions
from ner.corpus.templates import Templates
from ner.corpus.vocabulary import build
from ner.model.crf import LinearChainCRF
from ner.model.feature_crf import FeatureCRF, FeatureOptions
from ner.model.softmax import Softmax

LINES = ("U0:%x[0,word]", "U1:%x[-1,shape]/%x[0,pos]", "U2:%x[0,head.lower]", "U3:%x[1,word]", "U4:%x[-1,word]", "B")


def vocabularies_of(sentences, lines=LINES, min_count=1):
    vocabularies = build(
        word_counts={word: 2 for sentence in sentences for word in sentence.words},
        relations=[relation for sentence in sentences for relation in sentence.tree.relations],
        labels=["PERSON"],
        scheme="BIO",
    )
    columns = token_columns(columns_of(sentences), vocabularies, {})
    features = Features.of_training(Templates(lines=lines), columns, min_count=min_count)
    return replace(vocabularies, features=features)


def tagger_of(vocabularies, l2=0.7):
    tags = vocabularies.tags.items
    decoder = LinearChainCRF(len(tags), legal_transitions(tags), constraints="decoding")
    tagger = FeatureCRF(features=vocabularies.features, decoder=decoder, l2=l2).double()
    torch.manual_seed(1)
    torch.nn.init.normal_(tagger.weight[1:])
    return tagger


@pytest.fixture
def few(sentences):
    """Sentences of three to five words; PERSON is the only label, so tags are three."""
    return [replace(sentence, spans=sentence.spans[:1]) for sentence in sentences[:5]]


def dense(gradient):
    return gradient.to_dense() if gradient.is_sparse else gradient


def test_loss_and_gradients_are_those_of_all_sequences(few):
    vocabularies = vocabularies_of(few)
    tagger, split = tagger_of(vocabularies), encode(few, vocabularies)
    loss = tagger.loss(split.batch(range(len(few))))
    loss.backward()
    found = {name: dense(parameter.grad) for name, parameter in tagger.named_parameters()}

    tagger.zero_grad()
    decoder, names = tagger.decoder, vocabularies.features.known
    expected = tagger.l2 / 2 * tagger.weight.square().sum()
    for sentence in few:
        rows = encode([sentence], vocabularies).feature_ids.tolist()
        gold = split_tags(sentence, vocabularies)

        def score(tags, rows=rows):
            total = decoder.start_transitions[tags[0]] + decoder.end_transitions[tags[-1]]
            total = total + sum(tagger.weight[row, tag] for ids, tag in zip(rows, tags, strict=True) for row in ids)
            return total + sum(decoder.transitions[pair] for pair in pairwise(tags))

        assert names.ids([f"U0:{sentence.words[0]}"])[0] in rows[0]
        everything = [score(tags) for tags in product(range(3), repeat=len(sentence))]
        expected = expected + torch.stack(everything).logsumexp(0) - score(gold)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=1e-10)
    expected.backward()
    for name, parameter in tagger.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, rtol=1e-8, atol=1e-10)


def split_tags(sentence, vocabularies):
    return tuple(encode([sentence], vocabularies).tag_ids.tolist())


def test_the_penalties_of_the_batches_sum_to_that_of_all_weights(few):
    vocabularies = vocabularies_of(few)
    free, bound = tagger_of(vocabularies, l2=0.0), tagger_of(vocabularies, l2=0.5)
    split = encode(few, vocabularies)
    batches = [split.batch(rows) for rows in ([3], [0, 4], [2, 1])]
    difference = sum(bound.loss(batch) - free.loss(batch) for batch in batches)
    torch.testing.assert_close(difference, 0.25 * bound.weight.square().sum())


def test_unknown_features_and_padding_have_no_weight(few):
    vocabularies = vocabularies_of(few[:1])
    tagger, split = tagger_of(vocabularies), encode(few, vocabularies)
    together = tagger(split.batch(range(len(few))))
    assert not tagger.weight[0].any()
    for row, sentence in enumerate(few):
        alone = tagger(split.batch([row]))[0]
        torch.testing.assert_close(together[row, : len(sentence)], alone)
        assert not together[row, len(sentence) :].any()
    tagger.loss(split.batch(range(len(few)))).backward()
    assert not dense(tagger.weight.grad)[0].any()


@pytest.mark.parametrize(
    ("line", "uses_trees"),
    [("U:%x[0,word]", False), ("U:%x[0,relation]", True), ("U:%x[0,head.pos]", True), ("U:%x[0,pos]", False)],
)
def test_trees_are_used_where_a_template_reads_them(few, line, uses_trees):
    assert tagger_of(vocabularies_of(few, (line, "B"))).uses_trees == uses_trees


def test_transitions_are_the_decoders(few):
    with_b, without = (vocabularies_of(few, lines).features for lines in (("U:%x[0,0]", "B"), ("U:%x[0,0]",)))
    with pytest.raises(ValueError, match="a line B in the templates stands for the transitions"):
        FeatureCRF(features=without, decoder=LinearChainCRF(3), l2=1.0)
    with pytest.raises(ValueError, match="a line B"):
        FeatureCRF(features=with_b, decoder=Softmax(3), l2=1.0)
    FeatureCRF(features=without, decoder=Softmax(3), l2=1.0)


def options(**chosen):
    defaults = {"lines": {}, "file": None, "columns": ["word", "pos"], "gazetteer": None, "min_count": 1}
    return FeatureOptions(**{**defaults, **chosen})


def test_templates_of_groups_and_of_a_file(tmp_path):
    of_groups = options(lines={"a": ["U0:%x[0,0]"], "b": ["U1:%x[0,1]", "B"]}).templates()
    path = tmp_path / "template"
    path.write_text("# Unigram\nU0:%x[0,0]\nU1:%x[0,1]\n\nB\n")
    assert options(file=str(path)).templates() == of_groups
    with pytest.raises(ValueError, match="takes the place of"):
        options(file=str(path), lines={"a": ["U0:%x[0,0]"]}).templates()
    with pytest.raises(ValueError, match=r"model.templates.file=nowhere: cannot be read"):
        options(file="nowhere").templates()


def test_a_gazetteer(tmp_path):
    path = tmp_path / "names"
    path.write_text("Bonn\tGPE\n")
    assert options(gazetteer=str(path)).names() == {"Bonn": "GPE"}
    assert options().names() == {}
    path.write_text("\n")
    with pytest.raises(ValueError, match="names: there is no name in it"):
        options(gazetteer=str(path)).names()
