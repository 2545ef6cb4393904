"""Which format the files at a path are in, told by their content."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from ner.corpus.columns import ColumnFiles
from ner.corpus.conll2012 import Conll2012Files
from ner.corpus.conllx import ConllxFiles
from ner.corpus.files import UTF8_MARK, find_files
from ner.corpus.format import Format
from ner.corpus.layout import GLOBAL_COLUMNS, NOT_A_WORD, is_document_start
from ner.corpus.schemes import is_tag
from ner.corpus.semeval import SemevalFiles
from ner.corpus.three_lines import PLACE, ThreeLineFiles

FORMATS = (Conll2012Files, ConllxFiles, ColumnFiles, SemevalFiles, ThreeLineFiles)
_FIRST_LINES = 1000
FILE_PATTERNS = tuple(dict.fromkeys(pattern for kind in FORMATS for pattern in kind.patterns))


def format_of(path: Path, like: Format | None = None) -> Format:
    """The format of the file at a path, or of all files below the directory.

    CoNLL-2012 has `#begin document` headings, or twelve columns and more of which the third numbers words; CoNLL-X,
    CoNLL-U and CoNLL-U Plus have ten or eleven columns between tabs, or name them; SemEval-2014 is XML; `$T$` in the
    first line says that there are three for each target; everything else is columns.

    Args:
        like: a format with the options to read with, where the files are of its kind.

    Raises:
        ValueError: where there is no file, for files of several formats, and for one in a directory that is not called
            as those of its format are.
    """
    files = find_files(path, FILE_PATTERNS)
    found = {name_of(file): file for file in reversed(files)}
    if len(found) > 1:
        places = " and ".join(f"{file} ({name})" for name, file in sorted(found.items()))
        raise ValueError(f"{path}: files of several formats: {places}; give one kind at a time")
    (name,) = found
    chosen = like if like is not None and like.name == name else {kind.name: kind for kind in FORMATS}[name]()
    if left := {*files} - {*chosen.find(path)}:
        known = ", ".join(chosen.patterns)
        raise ValueError(f"{min(left)} is {name}, but not by its name, which may be {known}: rename it")
    return chosen


def name_of(file: Path) -> str:
    """The name of the format that a file begins as; `columns` for anything unknown."""
    with file.open("rb") as opened:
        for raw in opened:
            line = raw.removeprefix(UTF8_MARK).decode(errors="replace").rstrip("\r\n")
            if line.startswith(("<?xml", "<sentences")):
                return SemevalFiles.name
            if PLACE in line:
                return ThreeLineFiles.name
            if line.startswith("#begin document"):
                return Conll2012Files.name
            if (named := GLOBAL_COLUMNS.fullmatch(line)) and {"ID", "FORM"} <= {*named[1].split()}:
                return ConllxFiles.name
            if line.strip() and not line.startswith("#"):
                number = line.partition("\t")[0]
                if line.count("\t") in (9, 10) and (number.isdigit() or NOT_A_WORD.fullmatch(number)):
                    return ConllxFiles.name
                cells = line.split()
                return Conll2012Files.name if len(cells) >= 12 and cells[2] == "0" else ColumnFiles.name
    return ColumnFiles.name


def is_annotated(file: Path) -> bool:
    """Whether a file that may be a plain text is in CoNLL-2012, CoNLL-X or CoNLL-U, or columns of which one holds tags.

    Of tags there are `O` and others, and nothing else stands in their column in the file's first lines.
    """
    if (name := name_of(file)) != ColumnFiles.name:
        return name in (Conll2012Files.name, ConllxFiles.name)
    with file.open("rb") as opened:
        lines = [raw.removeprefix(UTF8_MARK).decode(errors="replace") for raw in islice(opened, _FIRST_LINES)]
    words = (line.strip() for line in lines if not line.startswith("#") and not is_document_start(line))
    rows = [line.split("\t") if "\t" in line else line.split() for line in words if line]
    if len({len(row) for row in rows}) != 1:
        return False
    return any({"O"} < {*column} and all(map(is_tag, column)) for column in zip(*rows, strict=True))
