import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ner.training.lazy_adam import LazyAdam

SIZE = (5, 3)


def set_gradient(parameter, rows, values):
    gradient = torch.sparse_coo_tensor(torch.tensor([rows]), values, SIZE, check_invariants=True)
    parameter.grad = gradient.coalesce()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sets(st.integers(0, 4), min_size=1), min_size=1, max_size=12),
    st.sampled_from([(0.9, 0.999), (0.0, 0.5), (0.8, 0.0)]),
    st.integers(0, 1000),
)
def test_each_row_moves_as_under_adam_that_sees_its_steps_only(batches, betas, seed):
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(SIZE, generator=generator, dtype=torch.float64)
    lazy = torch.nn.Parameter(weights.clone())
    rows = [torch.nn.Parameter(row.clone()) for row in weights]
    optimizer = LazyAdam([lazy], lr=0.01, betas=betas)
    of_rows = [torch.optim.Adam([row], lr=0.01, betas=betas) for row in rows]
    for batch in batches:
        touched = sorted(batch)
        values = torch.randn(len(touched), SIZE[1], generator=generator, dtype=torch.float64)
        set_gradient(lazy, touched, values)
        optimizer.step()
        for row, gradient in zip(touched, values, strict=True):
            rows[row].grad = gradient.clone()
            of_rows[row].step()
    torch.testing.assert_close(lazy.detach(), torch.stack([row.detach() for row in rows]), rtol=1e-9, atol=1e-12)


def test_a_row_that_is_met_late_moves_by_the_learning_rate():
    parameter = torch.nn.Parameter(torch.zeros(SIZE))
    optimizer = LazyAdam([parameter], lr=0.01)
    for _ in range(3000):
        set_gradient(parameter, [0], torch.ones(1, 3))
        optimizer.step()
    set_gradient(parameter, [4], torch.full((1, 3), 7.0))
    optimizer.step()
    torch.testing.assert_close(parameter[4].detach(), torch.full((3,), -0.01))


def test_resumes_from_its_state():
    parameter = torch.nn.Parameter(torch.randn(SIZE))
    optimizer = LazyAdam([parameter], lr=0.01)
    for rows in ([0, 2], [2, 4]):
        set_gradient(parameter, rows, torch.randn(2, 3))
        optimizer.step()
    other = torch.nn.Parameter(parameter.detach().clone())
    resumed = LazyAdam([other], lr=0.5)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    values = torch.randn(2, 3)
    for weights, own in ((parameter, optimizer), (other, resumed)):
        set_gradient(weights, [1, 2], values)
        own.step()
    assert torch.equal(parameter, other)


def test_a_state_from_a_file_goes_to_the_device_of_the_weights():
    """`meta` stands for a CUDA device: a file is read on the CPU."""
    parameter = torch.nn.Parameter(torch.zeros(SIZE))
    optimizer = LazyAdam([parameter], lr=0.01)
    set_gradient(parameter, [0], torch.ones(1, 3))
    optimizer.step()
    elsewhere = torch.nn.Parameter(torch.zeros(SIZE, device="meta"))
    resumed = LazyAdam([elsewhere], lr=0.01)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert {name: value.device.type for name, value in resumed.state[elsewhere].items()} == dict.fromkeys(
        ("step", "exp_avg", "exp_avg_sq"), "meta"
    )


def test_resumes_from_the_state_of_sparse_adam():
    parameter = torch.nn.Parameter(torch.randn(SIZE))
    old = torch.optim.SparseAdam([parameter], lr=0.01)
    for rows in ([0, 2], [2, 4]):
        set_gradient(parameter, rows, torch.randn(2, 3))
        old.step()
    new = LazyAdam([parameter], lr=0.01)
    new.load_state_dict(copy.deepcopy(old.state_dict()))
    assert new.state[parameter]["step"].tolist() == [2, 0, 2, 0, 2]
    set_gradient(parameter, [1, 4], torch.randn(2, 3))
    new.step()
    assert new.state[parameter]["step"].tolist() == [2, 1, 2, 0, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"lr": -0.1}, "lr"), ({"lr": 0.1, "eps": -1.0}, "eps"), ({"lr": 0.1, "betas": (0.9, 1.0)}, "betas")],
)
def test_refuses_values_without_sense(options, message):
    with pytest.raises(ValueError, match=message):
        LazyAdam([torch.nn.Parameter(torch.zeros(SIZE))], **options)
