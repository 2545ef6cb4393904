"""Calibration errors by hand, and a temperature that finds back the one that was put in."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
import torch

from ner.corpus.dataset import encode, load
from ner.corpus.sentence import Span
from ner.corpus.tags import tags_to_spans
from ner.training.calibration import TEMPERATURES, calibrate, reliability
from ner.training.decoding import decode
from ner.training.run import Run


def test_error_is_the_gap_of_each_bin_weighted_by_its_size():
    probabilities = torch.tensor([0.95, 0.91, 0.55, 0.0, 1.0], dtype=torch.float64)
    correct = torch.tensor([True, False, True, False, True])
    found = reliability(probabilities, correct)
    top, middle, bottom = (0.95 + 0.91 + 1.0) / 3 - 2 / 3, 0.55 - 1, 0.0
    assert found.ece == pytest.approx((3 * abs(top) + abs(middle) + bottom) / 5)
    assert found.log_loss == pytest.approx(-(math.log(0.95) + math.log(0.09) + math.log(0.55)) / 5)
    assert [one.entities for one in found.bins] == [1, 1, 3]
    assert all(one.lower <= one.probability <= one.upper for one in found.bins)


def test_a_sure_prediction_that_is_right_costs_nothing():
    found = reliability(torch.ones(3, dtype=torch.float64), torch.ones(3, dtype=torch.bool))
    assert (found.ece, found.log_loss) == (0, 0)
    assert reliability(torch.zeros(0, dtype=torch.float64), torch.zeros(0, dtype=torch.bool)).ece == 0


@pytest.fixture(scope="module")
def decoded(run_directory):
    run = Run.open(run_directory)
    rows = load(Path(run.environment["prepared"])).splits["train"]
    return run, encode(rows, run.vocabularies), run.best_tagger(torch.device("cpu"))


def sampled(run, split, tagger, temperature: float) -> list[tuple[Span, ...]]:
    """Entities of tags drawn, at a temperature, from the tagger's own distribution over each sentence."""
    generator, names, gold = torch.Generator().manual_seed(0), run.vocabularies.tags.items, []
    start, transitions, end = (part.detach().double() for part in tagger.decoder.chain(torch.zeros(1, 1, len(names))))
    for index in range(len(split)):
        with torch.no_grad():
            emissions = tagger(split.batch([index]))[0].double()
        backward = [end]
        for t in range(len(emissions) - 1, 0, -1):
            backward.insert(0, ((transitions + emissions[t] + backward[0]) / temperature).logsumexp(1) * temperature)
        scores, tags = start, []
        for t, later in enumerate(backward):
            chances = ((scores + emissions[t] + later) / temperature).softmax(0)
            tags.append(int(torch.multinomial(chances, 1, generator=generator)))
            scores = transitions[tags[-1]]
        gold.append(tags_to_spans([names[tag] for tag in tags], run.vocabularies.scheme))
    return gold


def test_a_truth_drawn_from_the_model_needs_no_temperature_and_a_warmer_one_a_higher(decoded):
    run, split, tagger = decoded
    at = {t: calibrate(tagger, split, sampled(run, split, tagger, t), run.vocabularies) for t in (1.0, 4.0)}
    assert at[4.0].temperature > max(2.0, at[1.0].temperature)
    assert at[4.0].calibrated.ece < at[4.0].uncalibrated.ece
    assert at[4.0].calibrated.log_loss < at[4.0].uncalibrated.log_loss
    assert 0.4 < at[1.0].temperature < 2.0


def test_it_counts_the_entities_that_decoding_finds(decoded):
    run, split, tagger = decoded
    names = [run.vocabularies.tags.items[tag] for tag in decode(tagger, split).tolist()]
    found = [tags_to_spans(names[a:b], run.vocabularies.scheme) for a, b in itertools.pairwise(split.offsets.tolist())]
    calibration = calibrate(tagger, split, found, run.vocabularies)
    assert calibration.entities == sum(map(len, found)) > 0
    assert sum(one.precision * one.entities for one in calibration.uncalibrated.bins) == calibration.entities
    assert calibration.temperature == TEMPERATURES[0]  # all are right: the surer the better
    assert calibration.calibrated.log_loss <= calibration.uncalibrated.log_loss


def test_entities_of_one_half_alone_give_no_temperature(decoded):
    """What is fitted on them cannot be tried on others."""
    run, _, tagger = decoded
    split = encode(load(Path(run.environment["prepared"])).splits["train"].select([0]), run.vocabularies)
    names = [run.vocabularies.tags.items[tag] for tag in decode(tagger, split).tolist()]
    calibration = calibrate(tagger, split, [tags_to_spans(names, run.vocabularies.scheme)], run.vocabularies)
    assert calibration.entities > 0
    assert calibration.temperature == 1


def test_without_an_entity_nothing_is_fitted(decoded):
    run, split, tagger = decoded
    emissions = torch.zeros(len(run.vocabularies.tags.items))
    emissions[run.vocabularies.tags.id("O")] = 1000
    kept = tagger.projection.bias.data.clone()
    tagger.projection.bias.data += emissions
    calibration = calibrate(tagger, split, [()] * len(split), run.vocabularies)
    tagger.projection.bias.data = kept
    assert (calibration.temperature, calibration.entities) == (1.0, 0)
