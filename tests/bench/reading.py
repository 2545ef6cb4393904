"""Reading CoNLL-2012 files, beside the least that any reader does with them: cutting lines into cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ner.corpus.conll2012 import Conll2012Files, read_conll2012
from ner.resources import data_path

from .measuring import Options, Row, compare_rates


def rows(options: Options) -> Iterator[Row]:
    path = options.ontonotes or data_path("sample") / "train.gold_conll"
    files = Conll2012Files().find(path)
    amount = sum(map(len, read_conll2012(path)))
    yield compare_rates(
        lambda: sum(map(len, read_conll2012(path))),
        lambda: cut(files),
        what="reading CoNLL-2012",
        settings=f"{path.name}, {amount:,} tokens",
        peer_name="str.split of every line",
        amount=amount,
        repeat=options.repeat,
    )


def cut(files: Sequence[Path]) -> None:
    for file in files:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                line.split()
