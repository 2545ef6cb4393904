import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.training.schedule import constant, cosine, linear, warmup_linear

shares = st.floats(0, 1)


@given(shares)
def test_constant_is_one(progress):
    assert constant(progress) == 1


@pytest.mark.parametrize("schedule", [linear, cosine])
@given(final=shares, progress=shares, later=shares)
def test_decay_falls_from_one_to_the_final_share(schedule, final, progress, later):
    assert schedule(0.0, final=final) == pytest.approx(1)
    assert schedule(1.0, final=final) == pytest.approx(final)
    progress, later = sorted((progress, later))
    assert schedule(later, final=final) <= schedule(progress, final=final) + 1e-12


def test_cosine_is_half_way_in_the_middle():
    assert cosine(0.5, final=0.2) == pytest.approx(0.6)
    assert cosine(0.25) > linear(0.25)


def test_warmup_rises_then_falls():
    factors = [warmup_linear(step / 20, warmup=0.25) for step in range(21)]
    assert factors[0] == 0
    assert factors[5] == 1
    assert factors[20] == 0
    assert factors[:6] == sorted(factors[:6])
    assert factors[5:] == sorted(factors[5:], reverse=True)


@pytest.mark.parametrize("warmup", [0.0, 1.0, -0.1, 2.0])
def test_warmup_is_a_share(warmup):
    with pytest.raises(ValueError, match="warmup is the share"):
        warmup_linear(0.5, warmup=warmup)
