"""Two workers take the steps of one, write one run, resume it to the last bit, and end together."""

from __future__ import annotations

import json
import multiprocessing

import pytest
import torch

from ner import train as command
from ner.precision import choose_precision
from ner.training.workers import ALONE, WorkerLost, Workers, gathered

WITHOUT_DROPOUT = [
    f"model.{name}=0.0"
    for name in ("characters.dropout", "word_dropout", "input_dropout", "between_dropout", "output_dropout")
]


def losses(directory):
    lines = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    return [(line.get("loss"), line.get("loss_per_token"), line["gradient_norm"]) for line in lines]


def state(directory):
    return torch.load(directory / "last.pt", weights_only=True)


def assert_same(one, other, **tolerance):
    assert one.keys() == other.keys()
    for name, values in one.items():
        torch.testing.assert_close(values, other[name], **tolerance)


@pytest.mark.parametrize(
    ("number", "size", "expected"), [(2, 5, [[0, 2, 4], [1, 3]]), (3, 2, [[0], [1], [0]]), (1, 3, [[0, 1, 2]])]
)
def test_every_worker_has_a_part_that_counts_unless_there_are_too_few(number, size, expected):
    items, workers = torch.arange(size), [Workers(rank, number) for rank in range(number)]
    assert [one.part(items).tolist() for one in workers] == expected
    assert [one.has_part(items) for one in workers] == [rank < size for rank in range(number)]


def test_one_by_itself_changes_nothing():
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.grad = torch.tensor([3.0, 4.0])
    assert ALONE.add_up_gradients([parameter], torch.tensor(5.0)) == 5
    assert parameter.grad.tolist() == [3, 4]
    assert (ALONE.is_first, ALONE.from_first("a"), ALONE.of_all("a")) == (True, "a", ["a"])


@pytest.mark.slow
def test_a_training_of_two_is_that_of_one_but_for_rounding(compose_config, tiny, tmp_path):
    """A batch of one sentence among them, and the averaged weights."""
    options = [*tiny, *WITHOUT_DROPOUT, "training.epochs=2", "training.batch_size=31", "training.average=0.5"]
    for number in (1, 2):
        config = compose_config("train", *options, f"training.workers={number}")
        command.fit(config, tmp_path / str(number))
    for one, two in zip(losses(tmp_path / "1"), losses(tmp_path / "2"), strict=True):
        assert [value for value in one if value] == pytest.approx([value for value in two if value], rel=1e-4)
    one, two = (state(tmp_path / number) for number in "12")
    assert_same(one["tagger"], two["tagger"], rtol=1e-3, atol=1e-5)
    assert_same(one["average"]["tagger"], two["average"]["tagger"], rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_an_interrupted_training_of_two_ends_as_it_would_have(compose_config, tiny, tmp_path):
    def interrupt(epoch):
        raise KeyboardInterrupt

    config = compose_config("train", *tiny, "training.epochs=2", "training.workers=2")
    command.fit(config, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt, match="after epoch 1"):
        command.fit(config, tmp_path / "resumed", each_epoch=interrupt)
    assert not multiprocessing.active_children()
    overrides = [f"resume={tmp_path / 'resumed'}"]
    run, _ = command.fit(compose_config("train", *tiny, *overrides), tmp_path, overrides=overrides)
    assert run.config["training"]["workers"] == 2
    whole, resumed = state(tmp_path / "whole"), state(tmp_path / "resumed")
    assert_same(whole["tagger"], resumed["tagger"], rtol=0, atol=0)
    others = [found["random"]["others"] for found in (whole, resumed)]
    assert [len(own) for own in others] == [1, 1]
    assert torch.equal(others[0][0]["cpu"], others[1][0]["cpu"])
    assert not torch.equal(whole["random"]["cpu"], others[0][0]["cpu"]), "each draws its own dropout"


@pytest.mark.slow
def test_what_ends_a_worker_ends_all_and_is_said():
    with pytest.raises(ValueError, match="unknown precision"), gathered(2, choose_precision, "cpu") as workers:
        workers.of_all(None)
    lost = pytest.raises(WorkerLost, match="ended from outside")
    with lost, gathered(2, Workers.of_all, None) as workers:  # which waits for the first
        multiprocessing.active_children()[0].kill()
        workers.of_all(None)
    assert not multiprocessing.active_children()


def test_batches_must_be_large_enough_for_all(compose_config, tiny, tmp_path):
    config = compose_config("train", *tiny, "training.batch_size=2", "training.workers=3")
    with pytest.raises(ValueError, match="workers=3 cannot share batches of 2"):
        command.fit(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
