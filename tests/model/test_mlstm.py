"""The mLSTM against its recurrence, one token at a time and without a stabiliser."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ner.model.mlstm import CHUNK, MLSTM, matrix_memory
from ner.model.trees import Trees

LENGTH = 7


def draw(length: int = LENGTH, *, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """q, k, v, log i and log f of a layer's two memories."""
    torch.manual_seed(0)
    qkv = [torch.randn(2, length, size, dtype=dtype) for size in (3, 3, 4)]
    gates = [2 * torch.randn(2, length, dtype=dtype) for _ in range(2)]
    return [leaf.requires_grad_() for leaf in (*qkv, *gates)]


def by_recurrence(q: Tensor, k: Tensor, v: Tensor, log_i: Tensor, log_f: Tensor) -> Tensor:
    memories = []
    for number in range(len(q)):
        memory, n, outputs = q.new_zeros(v.shape[2], q.shape[2]), q.new_zeros(q.shape[2]), []
        for t in range(q.shape[1]):
            i, f = log_i[number, t].exp(), log_f[number, t].exp()
            memory = f * memory + i * torch.outer(v[number, t], k[number, t])
            n = f * n + i * k[number, t]
            outputs.append(memory @ q[number, t] / (n @ q[number, t]).abs().clamp(min=1))
        memories.append(torch.stack(outputs))
    return torch.stack(memories)


@pytest.mark.parametrize("chunk", [1, 2, 3, LENGTH, CHUNK])
def test_values_and_gradients_are_those_of_the_recurrence(chunk):
    leaves = draw()
    found, wanted = matrix_memory(*leaves, chunk=chunk), by_recurrence(*leaves)
    torch.testing.assert_close(found, wanted)
    direction = torch.randn_like(found)
    gradients = [torch.autograd.grad((cells * direction).sum(), leaves) for cells in (found, wanted)]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_layer_is_its_formula():
    torch.manual_seed(0)
    layer = MLSTM(5, 12, forget="sigma", heads=2).double()
    features, mask = torch.randn(1, 4, 5, dtype=torch.float64), torch.ones(1, 4, dtype=torch.bool)
    heads = torch.zeros(1, 4, dtype=torch.long)
    found = layer(features, Trees(mask=mask, heads=heads, relation_ids=heads))
    for direction, read in enumerate((features[0], features[0].flip(0))):
        q, k, v, o, i, f = (read @ layer.weight[direction]).split([6, 6, 6, 6, 2, 2], 1)
        q, k, v = (part.unflatten(1, (2, 3)).transpose(0, 1) for part in (q, k, v))
        log_i = (i + layer.input_bias[direction, 0, 0]).T
        log_f = (f + layer.forget_bias[direction, 0, 0]).sigmoid().log().T
        cells = by_recurrence(q, k / 3**0.5, v, log_i, log_f).transpose(0, 1).flatten(1)
        wanted = (o + layer.output_bias[direction, 0]).sigmoid() * cells
        wanted = wanted.flip(0) if direction else wanted
        torch.testing.assert_close(found[0, :, 6 * direction : 6 * direction + 6], wanted)


@pytest.mark.parametrize("gate", [3, 4])
@pytest.mark.parametrize("value", [-1e4, 1e4])
def test_extreme_gates_are_finite(gate, value):
    leaves = [leaf.detach() for leaf in draw(dtype=torch.float32)]
    leaves[gate] = leaves[gate] + value
    leaves = [leaf.requires_grad_() for leaf in leaves]
    cells = matrix_memory(*leaves, chunk=3)
    assert cells.isfinite().all()
    for gradient in torch.autograd.grad(cells.sum(), leaves):
        assert gradient.isfinite().all()


def test_memory_is_linear_in_the_length():
    def saved(length: int) -> int:
        kept: dict[int, int] = {}

        def keep(tensor: Tensor) -> Tensor:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            cells = matrix_memory(*draw(length))
        assert cells.shape[1] == length
        return sum(kept.values())

    assert saved(32 * CHUNK) < 2.1 * saved(16 * CHUNK)


def test_the_forget_gate_begins_open_and_the_others_at_0():
    layer = MLSTM(5, 24, forget="sigma", heads=4)
    assert layer.forget_bias[0].flatten().tolist() == [3, 4, 5, 6]
    assert not layer.input_bias.any()
    assert not MLSTM(5, 24, forget="exp", heads=4).forget_bias.any()
