"""bfloat16 in place of float32, where the device computes in it.

Layers then multiply in bfloat16 and keep their states so. Weights, their gradients and moments, the scans of the gated
layers, the emissions, the decoder and the loss stay in float32.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext

import torch

log = logging.getLogger(__name__)

PRECISIONS = ("float32", "bfloat16")


def choose_precision(name: str, device: torch.device) -> str:
    """The precision of a name; `auto`, which is logged, is bfloat16 where the device has instructions for it.

    Raises:
        ValueError: for another name, and for `bfloat16` on a CPU without such instructions.
    """
    if name not in (*PRECISIONS, "auto"):
        raise ValueError(f"unknown precision {name!r}: choose one of {', '.join(PRECISIONS)}, auto")
    instructions = _instructions(device)
    if name == "auto":
        chosen = "float32" if instructions is None else "bfloat16"
        log.info("precision auto is %s here: the device has %s", chosen, instructions or "no instructions for bfloat16")
        return chosen
    if name == "bfloat16" and device.type == "cpu" and instructions is None:
        raise ValueError(
            "precision bfloat16 would be slower than float32 on this CPU, which has neither AMX nor AVX512-BF16: "
            "choose float32 or auto"
        )
    return name


def computing_in(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """What layers compute in inside it. A weight that is used several times has its gradients added up in float32."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)


def _instructions(device: torch.device) -> str | None:
    """What the device computes in bfloat16 with, None where it has nothing for it."""
    if device.type == "cuda":
        return "CUDA's" if torch.cuda.is_bf16_supported(including_emulation=False) else None
    if device.type != "cpu":
        return None
    if torch.cpu._is_amx_tile_supported():
        return "AMX"
    return "AVX512-BF16" if torch.cpu._is_avx512_bf16_supported() else None
