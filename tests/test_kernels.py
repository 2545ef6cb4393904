"""The kernels against the chain on the CPU: as Triton's interpreter runs them, and where there is one on a CUDA device.

Triton has to be told of its interpreter before it is imported, so those tests run in a process of their own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ner.model.chain import ChainScores, log_partition, viterbi

pytest.importorskip("triton", reason="torch comes without Triton here")


def case(scale: float, *, forbidden: bool, tags: int, device: str) -> tuple[list[torch.Tensor], torch.Tensor]:
    torch.manual_seed(1)
    scores = [torch.randn(shape) for shape in ((tags,), (tags, tags), (tags,))]
    if forbidden:
        scores = [part.masked_fill(torch.rand(part.shape) < 0.3, -torch.inf) for part in scores]
    mask = torch.arange(6) < torch.tensor([6, 1, 4, 2])[:, None]
    leaves = [torch.randn(4, 6, tags) * scale, *scores]
    return [part.to(device).requires_grad_() for part in leaves], mask.to(device)


def check_kernels(scale: float, *, forbidden: bool, tags: int, device: str) -> None:
    from ner import kernels

    leaves, mask = case(scale, forbidden=forbidden, tags=tags, device=device)
    wanted, wanted_mask = case(scale, forbidden=forbidden, tags=tags, device="cpu")
    weights = torch.arange(1.0, 5.0, dtype=torch.float64)
    found = kernels.log_partition(leaves[0], mask, *leaves[1:])
    true = log_partition(wanted[0], wanted_mask, ChainScores(*wanted[1:]))
    torch.testing.assert_close(found.cpu(), true, rtol=1e-6, atol=1e-5)
    gradients = torch.autograd.grad((found * weights.to(device)).sum(), leaves)
    for gradient, own in zip(gradients, torch.autograd.grad((true * weights).sum(), wanted), strict=True):
        torch.testing.assert_close(gradient.cpu(), own, rtol=1e-4, atol=2e-5)
    best = kernels.viterbi(*(part.detach() for part in (leaves[0], mask, *leaves[1:])))
    assert torch.equal(best.cpu(), viterbi(wanted[0], wanted_mask, ChainScores(*wanted[1:])))


CASES = [(1.0, False, 5), (30.0, True, 21)]


@pytest.mark.parametrize(("scale", "forbidden", "tags"), [*CASES, (3.0, True, 73), (300.0, False, 130)])
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.cuda
def test_kernels_on_a_device(scale, forbidden, tags):
    check_kernels(scale, forbidden=forbidden, tags=tags, device="cuda")


@pytest.mark.slow
def test_kernels_interpreted():
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    code = (
        f"import {Path(__file__).stem} as tests\n"
        "for scale, forbidden, tags in tests.CASES:\n"
        "    tests.check_kernels(scale, forbidden=forbidden, tags=tags, device='cpu')"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=Path(__file__).parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
