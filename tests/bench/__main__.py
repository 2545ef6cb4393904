"""Run the benchmarks: `python -m tests.bench --only crf reading --json FILE`."""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import torch

from ner.threads import num_threads, share_threads

from . import crf, decoding, features, layers, precision, reading, released, scaling, time_to_score, training, workers
from .measuring import Options, Row

SECTIONS = {
    "training": training.rows,
    "layers": layers.rows,
    "released": released.rows,
    "crf": crf.rows,
    "decoding": decoding.rows,
    "precision": precision.rows,
    "features": features.rows,
    "reading": reading.rows,
    "scaling": scaling.rows,
    "workers": workers.rows,
    "time_to_score": time_to_score.rows,
}
HOURS = frozenset({"time_to_score"})
"""Sections that take so long that they have to be asked for."""
LINE = "{:27} {:42} {:>9} {:21} {:>9} {:>6}  {}"


def main() -> None:
    defaults = Options()
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Speed and memory, beside others.")
    usual = [name for name in SECTIONS if name not in HOURS]
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=usual, help="default: all but time_to_score")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    parser.add_argument("--threads", type=int, metavar="N", help="of the CPU; default: as many as torch takes")
    parser.add_argument("--repeat", type=int, default=defaults.repeat, metavar="N", help="turns (%(default)s)")
    parser.add_argument(
        "--sentences", type=int, default=defaults.sentences, metavar="N", help="in an epoch that is timed (%(default)s)"
    )
    parser.add_argument("--prepared", type=Path, metavar="DIR", help="a prepared corpus to train on and to decode")
    parser.add_argument("--ontonotes", type=Path, metavar="DIR", help="CoNLL-2012 files to read")
    parser.add_argument(
        "--released", type=Path, metavar="DIR", help="a clone of the paper's released code to train beside"
    )
    parser.add_argument("--vectors", type=Path, metavar="FILE", help="word vectors, for time_to_score")
    parser.add_argument(
        "--recipe", nargs="+", metavar="OPTION", default=defaults.recipe, help="of time_to_score (%(default)s)"
    )
    parser.add_argument(
        "--minutes", type=float, default=defaults.minutes, help="that time_to_score gives the peer (%(default)s)"
    )
    parser.add_argument("--device", type=torch.device, default=defaults.device, help="cpu (default) or cuda")
    chosen = parser.parse_args()
    share_threads(chosen.threads)
    options = Options(
        repeat=chosen.repeat,
        sentences=chosen.sentences,
        prepared=chosen.prepared,
        ontonotes=chosen.ontonotes,
        vectors=chosen.vectors,
        recipe=tuple(chosen.recipe),
        minutes=chosen.minutes,
        released=chosen.released,
        device=chosen.device,
    )
    machine = describe_machine(options.device)
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    found = show(row for name in chosen.only for row in SECTIONS[name](options))
    if chosen.json is not None:
        content = {"machine": machine, "rows": [asdict(row) for row in found]}
        chosen.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def describe_machine(device: torch.device) -> dict[str, str | int]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "processor": platform.machine(),
        "threads": num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
    }


def show(rows: Iterable[Row]) -> list[Row]:
    """Print each row as soon as it is there; the ratio says how many times as fast as the peer we are."""
    print(LINE.format("", "", "ours", "", "peer", "ratio", ""))
    found = []
    for row in rows:
        peer_value = "" if row.peer_value is None else number(row.peer_value)
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        also = (f"{number(value)} {unit}" for unit, value in row.also.items())
        remark = "; ".join(filter(None, (row.peer, *also, row.note)))
        line = LINE.format(row.what, row.settings, number(row.value), row.unit, peer_value, ratio, remark)
        print(line.rstrip(), flush=True)
        found.append(row)
    return found


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


if __name__ == "__main__":
    main()
