import copy

import pytest
import torch

from ner.training.average import SAMPLES, Average
from ner.training.run import Run


@pytest.fixture
def tagger(run_directory):
    return Run.open(run_directory).new_tagger()


def change(tagger, generator):
    with torch.no_grad():
        for parameter in tagger.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator))


def test_is_the_mean_at_first_and_then_forgets_exponentially(tagger):
    generator = torch.Generator().manual_seed(0)
    average = Average(tagger, horizon=0.5, steps_per_epoch=10)
    assert average.interval == 1
    seen = []
    expected = torch.zeros_like(tagger.projection.weight)
    for step in range(1, 31):
        change(tagger, generator)
        average.update(tagger, step)
        weights = tagger.projection.weight.detach().clone()
        seen.append(weights)
        expected = torch.stack(seen).mean(0) if step <= 5 else expected + (weights - expected) / 5
        torch.testing.assert_close(average.tagger.projection.weight, expected)
    assert not any(parameter.requires_grad for parameter in average.tagger.parameters())
    assert torch.equal(tagger.projection.weight, seen[-1])


def test_word_vectors_are_averaged_too(tagger):
    average = Average(tagger, horizon=1.0, steps_per_epoch=2)
    first = tagger.embedder.state_dict()["word.weight"].clone()
    for step in (1, 2):
        with torch.no_grad():
            for parameter in tagger.embedder.parameters():
                parameter.add_(1)
        average.update(tagger, step)
    torch.testing.assert_close(average.tagger.embedder.state_dict()["word.weight"], first + 1.5)


def test_looks_at_the_weights_as_often_as_the_horizon_needs(tagger):
    average = Average(tagger, horizon=2.0, steps_per_epoch=10 * SAMPLES)
    assert average.interval == 20
    assert Average(tagger, horizon=1000.0, steps_per_epoch=7).interval == 7  # at least once an epoch
    before = copy.deepcopy(average.tagger.state_dict())
    change(tagger, torch.Generator().manual_seed(0))
    average.update(tagger, 19)
    assert all(torch.equal(value, before[name]) for name, value in average.tagger.state_dict().items())
    average.update(tagger, 20)
    assert torch.equal(average.tagger.projection.weight, tagger.projection.weight)


def test_resumes_from_its_state(tagger):
    generator = torch.Generator().manual_seed(0)
    average, resumed = (Average(tagger, horizon=0.5, steps_per_epoch=10) for _ in range(2))
    for step in range(1, 4):
        change(tagger, generator)
        average.update(tagger, step)
    resumed.load_state_dict(copy.deepcopy(average.state_dict()))
    change(tagger, generator)
    for own in (average, resumed):
        own.update(tagger, 4)
    for name, value in average.tagger.state_dict().items():
        assert torch.equal(value, resumed.tagger.state_dict()[name])


@pytest.mark.parametrize("horizon", [0.0, -1.0, float("nan")])
def test_refuses_a_horizon_without_sense(tagger, horizon):
    with pytest.raises(ValueError, match=r"training\.average is a horizon in epochs"):
        Average(tagger, horizon=horizon, steps_per_epoch=3)
