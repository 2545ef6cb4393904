import copy
from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from ner.training.lazy_adagrad import LazyAdagrad
from ner.training.lazy_adam import LazyAdam
from ner.training.optimizer import adagrad, adam, adamw, sgd
from ner.training.sparse_sgd import SparseSGD


class Small(nn.Module):
    """An embedding of 6 rows under a linear layer."""

    def __init__(self, *, sparse):
        super().__init__()
        self.embedding = nn.Embedding(6, 3, sparse=sparse)
        self.linear = nn.Linear(3, 2)

    def loss(self, rows):
        return (self.linear(self.embedding(rows)) ** 2).sum()


@pytest.fixture
def models():
    """The same weights, with a sparse gradient and a dense one."""
    torch.manual_seed(0)
    sparse, dense = Small(sparse=True), Small(sparse=False)
    dense.load_state_dict(sparse.state_dict())
    return sparse, dense


ALL_ROWS = torch.tensor([0, 1, 2, 3, 4, 5, 5, 0])
SOME_ROWS = torch.tensor([1, 4, 4])


def step(model, optimizer, rows, learning_rate=0.1):
    optimizer.zero_grad()
    model.loss(rows).backward()
    return optimizer.step(learning_rate)


def assert_same(one, other):
    for name, value in one.state_dict().items():
        torch.testing.assert_close(value, other.state_dict()[name], atol=1e-5, rtol=1e-4)  # epsilon sits elsewhere


BUILDERS = {
    "adagrad": (adagrad, {}, lambda parameters: torch.optim.Adagrad(parameters, lr=0.01)),
    "sgd": (sgd, {}, lambda parameters: torch.optim.SGD(parameters, lr=0.01)),
    "adam": (adam, {}, lambda parameters: torch.optim.Adam(parameters, lr=0.01)),
    "adamw": (
        adamw,
        {"weight_decay": 0.3},
        lambda parameters: torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.3),
    ),
    "sgd with decay": (
        sgd,
        {"weight_decay": 0.3},
        lambda parameters: torch.optim.SGD(parameters, lr=0.01, weight_decay=0.3),
    ),
}


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("max_norm", [None, 2.0])
def test_equals_torch_on_dense_gradients_when_all_rows_are_touched(models, name, max_norm):
    build, options, reference = BUILDERS[name]
    sparse, dense = models
    optimizer = build(sparse, learning_rate=0.01, max_norm=max_norm, **options)
    torch_optimizer = reference(dense.parameters())
    for _ in range(5):
        norm = step(sparse, optimizer, ALL_ROWS, learning_rate=0.01)
        torch_optimizer.zero_grad()
        dense.loss(ALL_ROWS).backward()
        expected = nn.utils.clip_grad_norm_(dense.parameters(), max_norm or float("inf"))
        torch_optimizer.step()
        torch.testing.assert_close(norm, expected)
        assert_same(sparse, dense)


@pytest.mark.parametrize("name", BUILDERS)
def test_rows_that_are_not_touched_keep_every_bit(models, name):
    build, options, _ = BUILDERS[name]
    model, _ = models
    before = model.embedding.weight.detach().clone()
    optimizer = build(model, learning_rate=0.1, **options)
    for _ in range(3):
        step(model, optimizer, SOME_ROWS)
    untouched = [0, 2, 3, 5]
    assert torch.equal(model.embedding.weight[untouched], before[untouched])
    assert not torch.isclose(model.embedding.weight[[1, 4]], before[[1, 4]]).any(1).all()


def test_weight_decay_of_the_paper_changes_no_row(models):
    with_decay, without = models[0], copy.deepcopy(models[0])
    for model, weight_decay in ((with_decay, 1e-8), (without, 0.0)):
        optimizer = sgd(model, learning_rate=0.01, weight_decay=weight_decay)
        step(model, optimizer, SOME_ROWS, learning_rate=0.01)
    assert torch.equal(with_decay.embedding.weight, without.embedding.weight)


def test_sgd_takes_the_rows_of_a_gradient_as_they_come():
    weight = nn.Parameter(torch.zeros(3, 2))
    rows, values = torch.tensor([[2, 0, 2]]), torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    weight.grad = torch.sparse_coo_tensor(rows, values, (3, 2), check_invariants=True)
    SparseSGD([weight], lr=0.5).step()
    assert weight.tolist() == [[-1.5, -2.0], [0.0, 0.0], [-3.0, -4.0]]


class NoValueIsRead(TorchDispatchMode):
    """Fails where a number of a tensor is asked for, which on a CUDA device waits for it."""

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        assert function is not torch.ops.aten._local_scalar_dense.default
        return function(*arguments, **options or {})


@pytest.mark.parametrize("kind", [SparseSGD, LazyAdagrad, LazyAdam])
def test_learning_rate_in_a_tensor_is_not_read(models, kind):
    given = [copy.deepcopy(models[0]) for _ in range(2)]
    for model, learning_rate in zip(given, (0.5, torch.tensor(0.5)), strict=True):
        parameters = [model.embedding.weight] if kind is not LazyAdagrad else list(model.parameters())
        optimizer = kind(parameters, lr=1.0)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        model.loss(SOME_ROWS).backward()
        with NoValueIsRead() if torch.is_tensor(learning_rate) else nullcontext():
            optimizer.step()
    assert_same(*given)


def test_gradient_stays_sparse(models):
    model, _ = models
    optimizer = adam(model, learning_rate=0.1, max_norm=1.0)
    step(model, optimizer, SOME_ROWS)
    assert model.embedding.weight.grad.is_sparse
    assert model.embedding.weight.grad.indices().tolist() == [[1, 4]]


def test_clips_the_global_norm(models):
    model, _ = models
    optimizer = sgd(model, learning_rate=1.0, max_norm=0.25)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert step(model, optimizer, SOME_ROWS, learning_rate=1.0) > 1
    change = torch.cat([(value - before[name]).flatten() for name, value in model.state_dict().items()])
    assert change.norm().item() == pytest.approx(0.25, rel=1e-4)


@pytest.mark.parametrize("name", BUILDERS)
def test_goes_on_from_its_state(models, name):
    build, options, _ = BUILDERS[name]
    model, _ = models
    optimizer = build(model, learning_rate=0.1, **options)
    step(model, optimizer, ALL_ROWS)
    other = copy.deepcopy(model)
    other_optimizer = build(other, learning_rate=0.1, **options)
    other_optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for rows in (SOME_ROWS, ALL_ROWS):
        step(model, optimizer, rows)
        step(other, other_optimizer, rows)
    for name, value in model.state_dict().items():
        assert torch.equal(value, other.state_dict()[name])


def test_works_without_sparse_parameters(models):
    _, model = models
    optimizer = adam(model, learning_rate=0.1)
    before = model.loss(ALL_ROWS).item()
    for _ in range(10):
        step(model, optimizer, ALL_ROWS)
    assert model.loss(ALL_ROWS).item() < before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rate": 0.0, "weight_decay": 0.1}, "learning.rate"),
        ({"learning_rate": 0.1, "weight_decay": 0.1, "max_norm": 0.0}, "max_norm must be positive"),
        ({"learning_rate": 0.1, "weight_decay": -0.1}, "weight_decay"),
    ],
)
def test_refuses_values_without_sense(models, options, message):
    with pytest.raises(ValueError, match=message):
        adamw(models[0], **options)


@pytest.mark.parametrize(("build", "options"), [(sgd, {}), (adam, {}), (adamw, {"weight_decay": 0.3})])
def test_word_vectors_have_a_learning_rate_of_their_own(models, build, options):
    whole, tenth = models[0], copy.deepcopy(models[0])
    before = whole.embedding.weight.detach().clone()
    moved = []
    for model, word_rate in ((whole, 1.0), (tenth, 0.1)):
        step(model, build(model, learning_rate=0.01, word_rate=word_rate, **options), SOME_ROWS, learning_rate=0.01)
        moved.append(model.embedding.weight.detach() - before)
    torch.testing.assert_close(moved[1], 0.1 * moved[0], rtol=1e-3, atol=1e-6)
    assert torch.equal(tenth.linear.weight, whole.linear.weight)


@pytest.mark.parametrize(("build", "options"), [(sgd, {}), (adam, {}), (adamw, {"weight_decay": 0.3})])
def test_a_word_rate_of_0_freezes_the_word_vectors(models, build, options):
    model = models[0]
    before = copy.deepcopy(model.state_dict())
    optimizer = build(model, learning_rate=0.1, word_rate=0.0, **options)
    norm = step(model, optimizer, SOME_ROWS)
    assert model.embedding.weight.grad is None
    assert torch.equal(model.embedding.weight, before["embedding.weight"])
    assert not torch.equal(model.linear.weight, before["linear.weight"])
    expected = torch.stack([parameter.grad.norm() for parameter in model.linear.parameters()]).norm()
    torch.testing.assert_close(norm, expected)


def test_a_negative_word_rate_is_refused(models):
    with pytest.raises(ValueError, match="word_rate"):
        adam(models[0], learning_rate=0.1, word_rate=-1.0)


def test_groups_have_learning_rates_of_their_own(models):
    _, model = models
    model.linear.rate_group = "slow"
    other = copy.deepcopy(model)
    before = copy.deepcopy(model.state_dict())
    step(model, sgd(model, learning_rate=0.1), ALL_ROWS)
    optimizer = sgd(other, learning_rate=0.1, rates={"slow": 0.1})
    step(other, optimizer, ALL_ROWS)
    for name, factor in (("embedding.weight", 1.0), ("linear.weight", 0.1), ("linear.bias", 0.1)):
        moved, moved_other = (own.state_dict()[name] - before[name] for own in (model, other))
        torch.testing.assert_close(moved_other, factor * moved)
    frozen = sgd(other, learning_rate=0.1, rates={"slow": 0.0})
    frozen_before = copy.deepcopy(other.state_dict())
    step(other, frozen, ALL_ROWS)
    assert torch.equal(other.linear.weight, frozen_before["linear.weight"])


def test_a_stored_state_does_not_change_the_rates(models):
    model, _ = models
    stored = adam(model, learning_rate=0.1).state_dict()
    optimizer = adam(model, learning_rate=0.1, word_rate=0.5)
    optimizer.load_state_dict(stored)
    assert optimizer.state_dict()["parts"][1]["param_groups"][0]["rate"] == 0.5


def test_a_group_that_the_model_has_not_is_refused(models):
    with pytest.raises(ValueError, match="names transformer, which this model has no parameters of"):
        adam(models[0], learning_rate=0.1, rates={"transformer": 0.1})
