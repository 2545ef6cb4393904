import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ner.corpus.batch import Batch, Words
from ner.model.tree_dropout import TreeDropout

ROOT = 1
WORDS = Words(torch.zeros(1, dtype=torch.long), torch.zeros(1, 1, dtype=torch.long))


def batch_of(trees):
    """Padded sentences with these heads; the relation of a word is 2 + its place, the root's `ROOT`."""
    longest = max(map(len, trees))
    heads = torch.arange(longest).repeat(len(trees), 1)
    relation_ids = torch.zeros_like(heads)
    mask = torch.zeros_like(heads, dtype=torch.bool)
    for row, tree in enumerate(trees):
        heads[row, : len(tree)] = torch.tensor(tree)
        relation_ids[row, : len(tree)] = torch.tensor([ROOT if head == i else 2 + i for i, head in enumerate(tree)])
        mask[row, : len(tree)] = True
    return Batch(words=WORDS, mask=mask, word_rows=torch.zeros_like(heads), heads=heads, relation_ids=relation_ids)


@st.composite
def random_tree(draw):
    """Words attached one after another, in any order, to the root or to one that is attached already."""
    order = draw(st.permutations(range(draw(st.integers(1, 9)))))
    heads = [0] * len(order)
    for number, word in enumerate(order):
        heads[word] = word if number == 0 else order[draw(st.integers(0, number - 1))]
    return heads


@settings(max_examples=60, deadline=None)
@given(st.lists(random_tree(), min_size=1, max_size=4), st.integers(0, 1000), st.sampled_from([0.2, 1.0]))
def test_a_tree_stays_a_tree_with_the_same_root(trees, seed, share):
    torch.manual_seed(seed)
    batch = batch_of(trees)
    spoilt = TreeDropout(ROOT, sentences=0.0, heads=share, relations=share)(batch)
    for row, tree in enumerate(trees):
        heads = spoilt.heads[row].tolist()
        assert heads[len(tree) :] == batch.heads[row, len(tree) :].tolist()
        root = next(i for i, head in enumerate(tree) if head == i)
        for word in range(len(tree)):
            path = [word]
            while path[-1] != heads[path[-1]]:
                path.append(heads[path[-1]])
                assert len(path) <= len(tree), "a cycle"
            assert path[-1] == root
            assert heads[word] in {tree[word], tree[tree[word]], word - 1, word + 1}
        assert spoilt.relation_ids[row, root] == ROOT
    assert torch.equal(spoilt.relation_ids[~batch.mask], batch.relation_ids[~batch.mask])
    assert set(spoilt.relation_ids[batch.mask].tolist()) <= set(batch.relation_ids[batch.mask].tolist())


def test_changes_the_shares_it_is_told():
    torch.manual_seed(0)
    chain = [0, *range(199)]  # each word hangs on the one before it
    batch = batch_of([chain] * 100)
    spoilt = TreeDropout(ROOT, sentences=0.3, heads=0.2, relations=0.1)(batch)
    lost = (spoilt.heads == torch.arange(200)).all(1)
    assert lost.sum().item() == pytest.approx(30, abs=12)
    assert (spoilt.relation_ids[lost] == ROOT).all()
    kept = ~lost
    # of the moved words the second of the chain stays, and one in four has its old head beside it
    moved = (spoilt.heads[kept, 1:] != batch.heads[kept, 1:]).float().mean().item()
    assert 0.1 < moved < 0.2
    renamed = (spoilt.relation_ids[kept, 1:] != batch.relation_ids[kept, 1:]).float().mean().item()
    assert renamed == pytest.approx(0.1, abs=0.02)


def test_all_sentences_may_lose_their_trees():
    batch = batch_of([[1, 1, 1], [0, 0]])
    spoilt = TreeDropout(ROOT, sentences=1.0, heads=0.5, relations=0.5)(batch)
    assert spoilt.heads.tolist() == [[0, 1, 2], [0, 1, 2]]
    assert spoilt.relation_ids.tolist() == [[1, 1, 1], [1, 1, 0]]


def test_leaves_the_trees_alone_outside_of_training():
    batch = batch_of([[1, 1, 1]])
    dropout = TreeDropout(ROOT, sentences=1.0, heads=1.0, relations=1.0).eval()
    assert dropout(batch) is batch


@pytest.mark.parametrize("option", ["sentences", "heads", "relations"])
@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_refuses_shares_without_sense(option, share):
    shares = {"sentences": 0.1, "heads": 0.1, "relations": 0.1} | {option: share}
    with pytest.raises(ValueError, match=rf"tree_dropout\.{option} is a share"):
        TreeDropout(ROOT, **shares)
