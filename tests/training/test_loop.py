import math
from collections import Counter
from pathlib import Path

import pytest
import torch

from ner.corpus.dataset import encode, load
from ner.corpus.sampler import LengthBuckets
from ner.scoring import Counts, Scores
from ner.training import loop
from ner.training.average import Average
from ner.training.loop import Epoch, Progress, Step
from ner.training.optimizer import sgd
from ner.training.run import Run
from ner.training.schedule import constant, linear
from ner.training.step import REDUCTIONS


@pytest.fixture(scope="module")
def fit(run_directory):
    """Trains a new tagger on the tiny corpus with the options given, and yields the results."""
    run = Run.open(run_directory)
    split = encode(load(Path(run.environment["prepared"])).splits["train"], run.vocabularies)

    def train(*, f1s=(), learning_rate=0.05, schedule=constant, one_batch=False, average=None, **options):
        torch.manual_seed(0)
        tagger = run.new_tagger()
        planned = iter(f1s)

        def validate(tagger):
            correct = next(planned, 0)
            return Scores({"X": Counts(correct, 100, 100)})

        size = len(split) if one_batch else 5
        options = {"num_epochs": 2, "log_every": 3, "validate": validate} | options
        return loop.epochs(
            tagger,
            split,
            sampler=LengthBuckets(split.lengths, size, seed=0),
            average=None if average is None else Average(tagger, horizon=average, steps_per_epoch=1),
            optimizer=sgd(tagger, learning_rate=learning_rate, max_norm=5.0),
            schedule=schedule,
            **options,
        )

    train.split = split
    return train


def epochs_of(results):
    return [result for result in results if isinstance(result, Epoch)]


def test_yields_looks_and_epochs(fit):
    results = list(fit(f1s=[40, 30]))
    kinds = Counter(type(result) for result in results)
    num_batches = math.ceil(len(fit.split) / 5)
    assert kinds == {Epoch: 2, Step: 2 * num_batches // 3}
    first, second = epochs_of(results)
    assert (first.number, first.is_best, first.scores.micro.f1) == (1, True, 0.4)
    assert (second.number, second.is_best) == (2, False)
    assert second.progress == Progress(epoch=2, step=2 * num_batches, best_epoch=1, best_f1=0.4)
    assert second.loss_per_token < first.loss_per_token
    ratio = len(fit.split.word_rows) / len(fit.split)
    assert first.loss_per_sentence == pytest.approx(first.loss_per_token * ratio)


def test_looks_add_up_to_the_epoch(fit):
    results = list(fit(num_epochs=1, log_every=1))
    epoch, looks = results[-1], results[:-1]
    assert [look.step for look in looks] == list(range(1, len(looks) + 1))
    assert looks[-1].sentences == len(fit.split)
    assert epoch.gradient_norm == pytest.approx(sum(look.gradient_norm for look in looks) / len(looks))
    assert min(look.loss for look in looks) < epoch.loss_per_token < max(look.loss for look in looks)
    assert all(look.tokens_per_second > 0 for look in looks)


def test_learning_rate_follows_the_schedule_in_the_middle_of_each_batch(fit):
    looks = [result for result in fit(schedule=linear, num_epochs=2, log_every=1) if isinstance(result, Step)]
    rates = [look.learning_rate for look in looks]
    assert rates[0] == pytest.approx(0.05 * (1 - 2.5 / len(fit.split) / 2))
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < 0.05 * 5 / len(fit.split) / 2


def test_reductions_differ_by_their_divisor(fit):
    norms = {reduction: next(iter(fit(reduction=reduction, log_every=1))).gradient_norm for reduction in REDUCTIONS}
    assert norms["sum"] == pytest.approx(5 * norms["sentence"], rel=1e-4)
    assert norms["sentence"] > norms["token"]


@pytest.mark.parametrize(("patience", "expected"), [(1, 3), (2, 6), (None, 7)])
def test_stops_when_patience_is_at_its_end(fit, patience, expected):
    results = fit(f1s=[10, 20, 20, 30, 5, 5, 5], num_epochs=7, patience=patience)
    assert len(epochs_of(results)) == expected


def test_goes_on_after_what_is_done(fit):
    after = Progress(epoch=3, step=40, best_epoch=2, best_f1=0.9)
    (epoch,) = epochs_of(fit(after=after, num_epochs=4, f1s=[50]))
    assert (epoch.number, epoch.is_best, epoch.progress.best_epoch) == (4, False, 2)
    assert epoch.progress.step == 40 + math.ceil(len(fit.split) / 5)
    assert list(fit(after=after, num_epochs=3)) == []
    assert list(fit(after=after, num_epochs=4, patience=1)) == []


def test_one_seed_one_result(fit):
    losses = [[epoch.loss_per_token for epoch in epochs_of(fit())] for _ in range(2)]
    assert losses[0] == losses[1]


def test_a_loss_that_is_not_finite_ends_training(fit):
    with pytest.raises(FloatingPointError, match=r"the loss is .* at step"):
        list(fit(learning_rate=math.inf))


@pytest.mark.parametrize("average", [False, True])
def test_weights_that_are_not_finite_after_the_last_step_end_training(fit, average):
    with pytest.raises(FloatingPointError, match=r"the weights .* are no longer finite after step 1: try a lower"):
        list(fit(one_batch=True, learning_rate=math.inf, average=0.5 if average else None))


def test_weights_too_large_for_the_validation_split_end_training(fit):
    """They are finite, but what is made of them is not."""

    def validate(tagger):
        with torch.no_grad():
            for weights in tagger.parameters():
                weights.fill_(1e38)
        tagger.decode(fit.split.batch(range(2)))

    with pytest.raises(FloatingPointError, match=r"after step 1, the emissions are not finite.* try a lower"):
        list(fit(one_batch=True, validate=validate))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reduction": "mean"}, "unknown reduction 'mean': choose one of sum, sentence, token"),
        ({"precision": "float16"}, "unknown precision 'float16': choose one of float32, bfloat16"),
        ({"precision": "bfloat16"}, "bfloat16 would be slower than float32 on this CPU"),
        ({"num_epochs": 0}, "epochs must be at least 1"),
        ({"patience": 0}, "patience must be at least 1"),
        ({"log_every": 0}, "log_every must be at least 1"),
    ],
)
def test_refuses_options_without_sense(fit, monkeypatch, options, message):
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False)
    with pytest.raises(ValueError, match=message):
        next(fit(**options))


def test_abandoned_training_leaves_no_thread(fit):
    import threading

    before = threading.active_count()
    results = fit(log_every=1)
    next(results)
    results.close()
    assert threading.active_count() == before
