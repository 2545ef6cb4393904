import pytest
import torch

from ner.training.lazy_adagrad import LazyAdagrad


def test_a_row_moves_by_its_own_gradients():
    parameter = torch.nn.Parameter(torch.zeros(3, 2))
    optimizer = LazyAdagrad([parameter], lr=0.1)
    for values in (torch.tensor([[3.0, -1.0]]), torch.tensor([[4.0, 0.0]])):
        parameter.grad = torch.sparse_coo_tensor([[1]], values, (3, 2), check_invariants=True).coalesce()
        optimizer.step()
    expected = torch.tensor([[0.0, 0.0], [-0.1 - 0.1 * 4 / 5, 0.1], [0.0, 0.0]])
    torch.testing.assert_close(parameter.detach(), expected)


def test_a_negative_rate():
    with pytest.raises(ValueError, match="lr must be 0 or more"):
        LazyAdagrad([torch.nn.Parameter(torch.zeros(1, 1))], lr=-1.0)
