"""The loop over the tokens, with a cell of which every number can be told."""

from __future__ import annotations

import pytest
import torch

from ner.model.cells import LSTMCell
from ner.model.scan import Cell, product, scan


class Decay(Cell):
    """h = w * h- + x, which begins at 1."""

    inputs = gates = 1
    initial = (1.0,)

    def weight_shapes(self, size):
        return [(1, size)]

    def step(self, gates, new, old, weights):
        torch.addcmul(gates, old[0], weights[0], out=new[0])

    def factors(self, gates, new, old):
        return ()

    def step_back(self, d_gates, d_new, factors, weights):
        d_gates.copy_(d_new[0])
        return [d_new[0] * weights[0]]

    def weight_gradients(self, d_gates, gates, new, old):
        return [(d_gates * old[0]).sum((1, 2))[:, None]]


def test_every_recurrence_has_its_own_weights_and_each_sentence_its_own_state():
    inputs = torch.tensor([1.0, 2.0]).view(1, 1, 2, 1).expand(2, 3, 2, 1)
    weights = [torch.tensor([2.0, 0.0]).view(2, 1, 1)]
    found = scan(Decay(), inputs, weights)[..., 0]
    assert found[0].T.tolist() == [[3, 7, 15], [4, 10, 22]]
    assert found[1].T.tolist() == [[1, 1, 1], [2, 2, 2]]


def test_gradients():
    torch.manual_seed(0)
    inputs = torch.randn(2, 4, 3, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 1, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *leaves: scan(Decay(), leaves[0], leaves[1:]), (inputs, weight))


def test_inputs_are_left_as_they_are_and_may_be_used_twice():
    inputs = torch.randn(2, 4, 3, 20, requires_grad=True)
    before, weights = inputs.detach().clone(), [torch.randn(2, 5, 20)]
    hidden = scan(LSTMCell(), inputs, weights)
    gradients = [torch.autograd.grad(hidden.sum(), inputs, retain_graph=True)[0] for _ in range(2)]
    assert torch.equal(*gradients)
    assert torch.equal(inputs, before)


def test_second_derivatives_are_refused():
    inputs = torch.randn(2, 4, 3, 20, requires_grad=True)
    hidden = scan(LSTMCell(), inputs, [torch.randn(2, 5, 20)])
    (gradient,) = torch.autograd.grad(hidden.square().sum(), inputs, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_under_autocast_the_states_keep_the_precision_of_the_weights():
    inputs, weights = torch.randn(2, 4, 3, 20), [torch.randn(2, 5, 20, requires_grad=True)]
    wanted = scan(LSTMCell(), inputs.bfloat16().float(), weights)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = scan(LSTMCell(), inputs.bfloat16(), weights)
    assert torch.equal(found, wanted)


def test_product_sums_over_tokens_and_sentences():
    left, right = torch.randn(2, 4, 3, 5), torch.randn(2, 4, 3, 6)
    torch.testing.assert_close(product(left, right), torch.einsum("ltbi,ltbj->lij", left, right))
