from itertools import product

import numpy as np
import pytest

from ner.analysis.significance import (
    bootstrap_p,
    bootstrap_totals,
    compare_all,
    f1,
    holm,
    randomization_p,
    sentence_counts,
)
from ner.corpus.sentence import Span
from ner.scoring import score


def random_run(random, gold, *, right):
    correct = random.binomial(gold, right)
    return np.stack([correct, correct + random.poisson(0.3, len(gold)), gold], axis=1)


@pytest.fixture
def random():
    return np.random.default_rng(7)


def system(random, gold, *, right, seeds=1):
    return np.stack([random_run(random, gold, right=right) for _ in range(seeds)])


def f1_of(counts):
    """2 c / (p + g), written out."""
    correct, predicted, gold = counts
    return 2 * correct / (predicted + gold) if predicted + gold else 0.0


def test_counts_of_sentences_add_up_to_the_score():
    gold = [[Span(0, 1, "ORG"), Span(2, 4, "GPE")], [], [Span(0, 2, "ORG")]]
    predicted = [[Span(0, 1, "ORG"), Span(2, 4, "LOC")], [Span(1, 2, "ORG")], []]
    counts = sentence_counts(gold, predicted)
    micro = score(gold, predicted).micro
    assert counts.tolist() == [[1, 2, 2], [0, 1, 0], [0, 0, 1]]
    assert tuple(counts.sum(0)) == (micro.correct, micro.predicted, micro.gold)
    assert f1(counts.sum(0)) == pytest.approx(micro.f1)
    assert f1(np.zeros(3)) == 0


def test_the_bootstrap_agrees_with_the_enumeration_of_all_resamples(random):
    gold = np.array([2, 1, 3, 0, 2])
    a, b = random_run(random, gold, right=0.9), random_run(random, gold, right=0.4)
    observed = f1_of(a.sum(0)) - f1_of(b.sum(0))
    differences = []
    for drawn in product(range(5), repeat=5):
        chosen = list(drawn)
        differences.append(f1_of(a[chosen].sum(0)) - f1_of(b[chosen].sum(0)))
    exact = np.mean(np.abs(np.array(differences) - observed) >= abs(observed) - 1e-12)
    low, high = np.percentile(differences, (2.5, 97.5))
    found = compare_all({"a": a[None], "b": b[None]}, pairs=[("a", "b")], resamples=20_000)["a", "b"]
    assert found.difference == pytest.approx(observed)
    assert found.p_bootstrap == pytest.approx(exact, abs=0.01)
    assert found.interval == (pytest.approx(low, abs=0.02), pytest.approx(high, abs=0.02))
    assert found.interval_with_seeds == found.interval  # one seed each: there is nothing else to draw


def test_randomization_agrees_with_the_enumeration_of_all_swaps(random):
    gold = random.integers(0, 4, size=9)
    a, b = system(random, gold, right=0.9, seeds=2), system(random, gold, right=0.5, seeds=3)
    mean_a, mean_b = a.mean(0), b.mean(0)
    observed = f1_of(mean_a.sum(0)) - f1_of(mean_b.sum(0))
    hits = 0
    for swaps in product([False, True], repeat=9):
        swap = np.array(swaps)[:, None]
        first, second = np.where(swap, mean_b, mean_a), np.where(swap, mean_a, mean_b)
        hits += abs(f1_of(first.sum(0)) - f1_of(second.sum(0))) >= abs(observed) - 1e-12
    assert randomization_p(a, b, resamples=20_000, random=random) == pytest.approx(hits / 2**9, abs=0.012)


def test_every_draw_takes_as_many_sentences_and_is_the_same_for_all_runs(random):
    gold = random.integers(0, 4, size=30)
    counts = np.stack([np.ones((30, 3), dtype=np.int64), np.stack([gold] * 3, axis=1), np.stack([gold] * 3, axis=1)])
    totals = bootstrap_totals(counts, resamples=600, random=random)
    assert (totals[:, 0] == 30).all()
    assert (totals[:, 1] == totals[:, 2]).all()
    assert totals[:, 1].std() > 0
    assert totals[:, 1].mean() == pytest.approx(gold.sum(), rel=0.02)


def test_p_counts_what_was_observed_among_the_resamples():
    assert bootstrap_p(0.5, np.full(99, 0.5)) == 1 / 100
    assert bootstrap_p(0.5, np.array([1.0, 0.0, 0.4, 0.5])) == 3 / 5
    assert bootstrap_p(-0.5, np.array([-1.0, 0.0, -0.4, -0.5])) == 3 / 5


def test_a_system_does_not_differ_from_itself(random):
    counts = system(random, random.integers(0, 3, size=20), right=0.7)
    found = compare_all({"a": counts, "b": counts}, pairs=[("a", "b")], resamples=50)["a", "b"]
    assert (found.difference, found.p_bootstrap, found.p_randomization) == (0, 1, 1)


def test_the_order_of_two_systems_is_the_sign_of_their_difference(random):
    gold = random.integers(0, 3, size=40)
    systems = {"a": system(random, gold, right=0.9, seeds=2), "b": system(random, gold, right=0.6)}
    found = compare_all(systems, pairs=[("a", "b"), ("b", "a")], resamples=500)
    assert found["a", "b"].difference == -found["b", "a"].difference > 0
    assert found["a", "b"].p_bootstrap == found["b", "a"].p_bootstrap
    low, high = found["b", "a"].interval
    assert found["a", "b"].interval == pytest.approx((-high, -low))


def test_seeds_that_differ_widen_the_interval(random):
    gold = random.integers(0, 3, size=300)
    unlike = np.concatenate([system(random, gold, right=right) for right in (0.5, 0.9)])
    steady = system(random, gold, right=0.5, seeds=2)
    found = compare_all({"a": unlike, "b": steady}, pairs=[("a", "b")], resamples=500)["a", "b"]
    assert found.interval_with_seeds[0] < found.interval[0]
    assert found.interval_with_seeds[1] > found.interval[1]


def test_the_same_seed_gives_the_same_result(random):
    gold = random.integers(0, 3, size=40)
    systems = {"a": system(random, gold, right=0.8, seeds=3), "b": system(random, gold, right=0.7, seeds=2)}
    first, again, other = (compare_all(systems, pairs=[("a", "b")], resamples=300, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_equal_systems_are_rarely_told_apart(random):
    """A test at 0.1 is wrong about once in ten times."""
    alarms = {"bootstrap": 0, "randomization": 0}
    for _ in range(200):
        gold = random.poisson(1.5, size=60)
        systems = {name: system(random, gold, right=0.7) for name in "ab"}
        found = compare_all(systems, pairs=[("a", "b")], resamples=199, seed=int(random.integers(1000)))["a", "b"]
        alarms["bootstrap"] += found.p_bootstrap <= 0.1
        alarms["randomization"] += found.p_randomization <= 0.1
    assert all(8 <= number <= 34 for number in alarms.values()), alarms


def test_holm_is_the_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([]) == []


def test_what_cannot_be_compared_is_refused(random):
    gold = random.integers(0, 3, size=10)
    a = system(random, gold, right=0.5)
    with pytest.raises(ValueError, match="at least 1, not 0"):
        compare_all({"a": a}, pairs=[], resamples=0)
    with pytest.raises(ValueError, match="same sentences"):
        compare_all({"a": a, "b": system(random, gold + 1, right=0.5)}, pairs=[("a", "b")])
