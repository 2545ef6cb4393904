"""Models of targets, against their formulas and against the enumeration of all labels."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch

from ner.corpus.batch import Batch, Words
from ner.corpus.tags import tag_set
from ner.corpus.vocabulary import Vocabularies, Vocabulary
from ner.model.interaction import Concatenation, SelfInteraction
from ner.model.paths import NO_TAG, TagPaths
from ner.model.recurrent import LSTM
from ner.model.target import TargetVector, dg_lstm, last_states, lstm, syntactic_states, target_states, tc_lstm, td_lstm
from ner.model.tree_lstm import TreeLSTM
from ner.model.trees import Trees

LABELS = ("negative", "neutral", "positive")


def vocabularies_of(scheme="IOBES", task="sentiment"):
    return Vocabularies(
        words=Vocabulary(("<unk>", *"abcdef"), unknown=True),
        characters=Vocabulary(("<pad>", "<unk>"), unknown=True),
        relations=Vocabulary(("<unk>", "root", "nsubj"), unknown=True),
        tags=Vocabulary(tag_set(LABELS, scheme), unknown=False),
        scheme=scheme,
        digits_to_zero=False,
        task=task,
    )


def ids(*tags, scheme="IOBES"):
    return [tag_set(LABELS, scheme).index(tag) for tag in tags]


BATCH = Batch(
    words=Words(torch.arange(1, 6), torch.ones(5, 1, dtype=torch.long)),
    mask=torch.tensor([[True] * 5, [True] * 3 + [False] * 2, [True] * 5]),
    word_rows=torch.tensor([[0, 1, 2, 3, 4], [4, 3, 2, 0, 0], [0, 1, 2, 3, 4]]),
    heads=torch.tensor([[1, 3, 1, 3, 3], [0, 0, 0, 3, 4], [1, 3, 1, 3, 3]]),
    relation_ids=torch.tensor([[2, 2, 2, 1, 2], [1, 2, 2, 0, 0], [2, 2, 2, 1, 2]]),
    tag_ids=torch.tensor(
        [
            ids("O", "B-positive", "E-positive", "O", "O"),
            [*ids("S-negative", "O", "O"), 0, 0],
            ids("O", "O", "O", "B-neutral", "E-neutral"),
        ]
    ),
    targets=torch.tensor([[1, 3], [0, 1], [3, 5]]),
)
TREES = Trees(mask=BATCH.mask, heads=BATCH.heads, relation_ids=BATCH.relation_ids)


def small(build=td_lstm, scheme="IOBES", **changes):
    torch.manual_seed(0)
    options = {
        "vocabularies": vocabularies_of(scheme),
        "vectors": None,
        "word_size": 4,
        "word_dropout": 0.0,
        "characters": None,
        "layers": 1,
        "hidden_size": 8,
        "recurrent": LSTM,
        "by_layer": {},
        "input_dropout": 0.0,
        "between_dropout": 0.0,
        "output_dropout": 0.0,
        "locked_dropout": False,
    }
    if build is dg_lstm:
        options |= {"head_word": True, "relation_size": 2, "interaction": Concatenation}
    return build(**(options | changes)).eval()


BUILDS = [lstm, td_lstm, tc_lstm, dg_lstm]


@pytest.mark.parametrize("build", BUILDS)
def test_learns_a_batch_by_heart_unless_the_target_is_all_that_differs(build):
    model = small(build)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p is not model.embedder.word.weight], 0.05)
    for _ in range(60):
        optimizer.zero_grad()
        model.loss(BATCH).backward()
        optimizer.step()
    if build is lstm:  # the first and the third sentence are the same words
        torch.testing.assert_close(model.loss(BATCH), 2 * torch.tensor(2.0).log(), atol=0.1, rtol=0)
        with_their_targets = model(BATCH)
        at_targets = [with_their_targets[row, start] for row, start in ((0, 1), (2, 3))]
        torch.testing.assert_close(at_targets[0], at_targets[1])
    else:
        assert float(model.loss(BATCH).detach()) < 0.1
        assert torch.equal(model.decode(BATCH), BATCH.tag_ids)


def test_td_lstm_is_an_lstm_up_to_the_target_and_one_from_the_end_back_to_it():
    layer, features = LSTM(3, 6).double(), torch.randn(3, 5, 3, dtype=torch.float64)
    found = target_states(layer(features, TREES), BATCH.targets, TREES)
    whole = last_states(layer(features, TREES), BATCH.targets, TREES)
    for row, (start, end) in enumerate(BATCH.targets.tolist()):
        words = features[row, BATCH.mask[row]][None]
        left, right = layer.forwards(words[:, :end])[0], layer.backwards(words[:, start:].flip(1))[0]
        torch.testing.assert_close(found[row], torch.cat([left[0, -1], right[0, -1]]))
        left, right = layer.forwards(words)[0], layer.backwards(words.flip(1))[0]
        torch.testing.assert_close(whole[row], torch.cat([left[0, -1], right[0, -1]]))


def test_the_word_of_a_target_is_the_one_whose_head_is_outside_or_that_is_the_root():
    states = torch.arange(15.0).view(3, 5, 1)
    found = syntactic_states(states, BATCH.targets, TREES)
    assert found[:, 0].tolist() == [1.0, 5.0, 13.0]
    own = replace(TREES, heads=torch.arange(5).expand(3, 5))  # without a tree, the last word
    assert syntactic_states(states, BATCH.targets, own)[:, 0].tolist() == [2.0, 5.0, 14.0]


def test_tc_lstm_puts_the_mean_of_the_targets_words_beside_each_word():
    words = torch.randn(3, 5, 2)
    found = TargetVector(2)(BATCH, words)
    assert found.shape == (3, 5, 2)
    for row, (start, end) in enumerate(BATCH.targets.tolist()):
        torch.testing.assert_close(found[row], words[row, start:end].mean(0).expand(5, 2))
    assert small(tc_lstm).encoder.layers[0].forwards.input_size == 8


def label_scores(model):
    states = model.encoder(model.embedder(BATCH), TREES)
    return model.projection(target_states(states, BATCH.targets, TREES))


@pytest.mark.parametrize("scheme", ["IOBES", "BIO"])
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_probabilities_are_a_softmax_over_the_labels(scheme, temperature):
    model = small(scheme=scheme)
    expected = (label_scores(model).double() / temperature).softmax(1)
    emissions = model(BATCH)
    decode = partial(model.decoder.best_sequences, emissions, BATCH.mask, temperature=temperature)
    tags, chances = decode(len(LABELS))
    torch.testing.assert_close(chances, expected.sort(1, descending=True).values)
    spelled = {"IOBES": (("B", "E"), ("S", None)), "BIO": (("B", "I"), ("B", None))}[scheme]
    for label, row in ((label, row) for label in range(3) for row in range(2)):
        path = [tag_set(LABELS, scheme).index(f"{p}-{LABELS[label]}") if p else NO_TAG for p in spelled[row]]
        one = TagPaths(torch.tensor([row]), BATCH.targets[row, :1], torch.tensor([path]), torch.tensor([NO_TAG]))
        chance = model.decoder.path_probabilities(emissions, BATCH.mask, one, temperature=temperature)
        torch.testing.assert_close(chance, expected[row, label][None])
        rank = int((expected[row] > expected[row, label]).sum())
        start, end = BATCH.targets[row].tolist()
        assert tags[row, rank, start:end].tolist() == path[: end - start]
        outside = [*tags[row, rank, :start].tolist(), *tags[row, rank, end:].tolist()]
        assert not any(outside)
    assert torch.equal(decode(1)[0][:, 0], model.decode(BATCH))
    with pytest.raises(ValueError, match="k is 0"):
        decode(0)


def test_a_loss_is_the_cross_entropy_of_the_label():
    model = small()
    labels = torch.tensor([LABELS.index(label) for label in ("positive", "negative", "neutral")])
    torch.testing.assert_close(
        model.loss(BATCH), torch.nn.functional.cross_entropy(label_scores(model), labels, reduction="sum")
    )
    marginals = model.decoder.marginals(model(BATCH), BATCH.mask)
    torch.testing.assert_close(marginals.sum(2), BATCH.mask.float())


@pytest.mark.parametrize("build", BUILDS)
def test_padding_changes_nothing(build):
    model = small(build)
    names = ("mask", "word_rows", "heads", "relation_ids", "tag_ids")
    alone = replace(BATCH, targets=BATCH.targets[1:2], **{name: getattr(BATCH, name)[1:2, :3] for name in names})
    torch.testing.assert_close(model(alone)[0], model(BATCH)[1, :3])


def test_weights_that_are_no_longer_finite_are_told():
    model = small()
    model.projection.bias.data[1] = torch.nan
    with pytest.raises(FloatingPointError, match="emissions are not finite"):
        model.decode(BATCH)


@pytest.mark.parametrize(
    ("build", "changes", "message"),
    [
        (td_lstm, {"vocabularies": vocabularies_of(task="ner")}, "task=ner, but the model labels targets"),
        (dg_lstm, {"vocabularies": vocabularies_of(task="ner")}, "choose task=sentiment"),
        (lstm, {"layers": 0}, "layers is 0: a model of targets needs 1 or more"),
        (
            tc_lstm,
            {"recurrent": partial(TreeLSTM, direction="both")},
            "do not read from left to right: choose model=dg_lstm",
        ),
        (dg_lstm, {"interaction": SelfInteraction, "head_word": False, "relation_size": 0}, "choose model=td_lstm"),
    ],
)
def test_what_does_not_fit_is_refused(build, changes, message):
    with pytest.raises(ValueError, match=message):
        small(build, **changes)


def test_a_batch_without_targets_is_refused():
    with pytest.raises(ValueError, match="needs a batch with targets"):
        small()(replace(BATCH, targets=None))
