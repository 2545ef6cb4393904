"""Documents as brat stand-off (https://brat.nlplab.org/standoff.html): a text, and its annotations beside it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ner.corpus.files import check_overwrite, check_replaceable, replacing
from ner.document import Document, Entity
from ner.stored import printable

CONFIGURATION = "annotation.conf"
_BREAKS = re.compile("[\t\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029]+")
"""What ends a line or a field for a reader of `.ann` files."""
_NO_TYPE = re.compile("[^A-Za-z0-9_-]")
_SUFFIX = re.compile(r"(?<=.)\.[A-Za-z]\w*$")
"""Not that of an identifier such as `2101.00002`."""
_LONGEST = 200  # bytes of a file's name, of the 255 that file systems allow


@dataclass(frozen=True, slots=True, kw_only=True)
class Standoff:
    """The content of `NAME.txt` and `NAME.ann`."""

    text: str
    annotations: str


def to_brat(document: Document) -> Standoff:
    """A document as stand-off: the text as it is, and two lines an entity.

    The first has the label, the offsets (characters) and the text of the entity, in fragments where it goes over a
    line break, which stand-off can't hold. The second is a note with the entity's probability and, where a type of brat
    can't spell the label, the label.

    Raises:
        ValueError: for an entity that is white space alone, and a text that UTF-8 cannot hold.
    """
    _check_encodable(document)
    lines = []
    for number, entity in enumerate(document.entities, 1):
        fragments = list(_fragments(document.text, entity))
        if not fragments:
            raise ValueError(f"{_named(document)}: the entity at {entity.start} is white space alone")
        offsets = ";".join(f"{start} {end}" for start, end in fragments)
        text = " ".join(document.text[start:end] for start, end in fragments)
        note = f"probability {entity.probability:.4f}"
        if type_of(entity.label) != entity.label:
            note = f"label {_BREAKS.sub(' ', entity.label)}, {note}"
        lines.append(
            f"T{number}\t{type_of(entity.label)} {offsets}\t{text}\n#{number}\tAnnotatorNotes T{number}\t{note}\n"
        )
    return Standoff(text=document.text, annotations="".join(lines))


def save_brat(
    documents: Iterable[Document],
    directory: Path,
    *,
    root: Path | None = None,
    overwrite: bool = True,
    inputs: Iterable[Path] = (),
) -> list[Path]:
    """Write the two files of each document as it comes, and at the end `annotation.conf` with the types.

    Files are called after their documents, see `file_stem`. Text comes before annotations, each file in one piece.

    Args:
        root: a document whose name is a path in this folder comes into the same folder below `directory`.
        overwrite: whether files of these names may be there.
        inputs: files that nothing else may be written to all the same.

    Returns:
        The paths of the texts.

    Raises:
        ValueError: as `to_brat`, where a link or a device has the name of a file, and for a file that is there and may
            not be, or that would be lost.
    """
    directory.mkdir(parents=True, exist_ok=True)
    check_replaceable(directory / CONFIGURATION)
    check_overwrite(directory / CONFIGURATION, overwrite=overwrite)
    types: set[str] = set()
    taken: dict[str, set[str]] = defaultdict(set)  # names of files, by folder
    paths = []
    kept = {path.resolve() for path in inputs}
    for document in documents:
        standoff = to_brat(document)
        folder = directory / _folder_of(document.name, root)
        folder.mkdir(parents=True, exist_ok=True)
        in_folder = taken[str(folder).casefold()]
        stem = file_stem(document.name, taken=in_folder)
        in_folder.add(stem)
        types |= {type_of(entity.label) for entity in document.entities}
        for suffix, content in (("txt", standoff.text), ("ann", standoff.annotations)):
            path = folder / f"{stem}.{suffix}"
            check_overwrite(path, overwrite=overwrite)
            if path.resolve() in kept and path.read_bytes() != content.encode():
                raise ValueError(
                    f"{path} is an input, which {_named(document)} would take the place of: choose another output"
                )
            with replacing(path) as file:
                file.write(content.encode())
        paths.append(folder / f"{stem}.txt")
    with replacing(directory / CONFIGURATION) as file:
        entities = "".join(f"{name}\n" for name in sorted(types))
        file.write(f"[entities]\n{entities}[relations]\n[events]\n[attributes]\n".encode())
    return paths


def type_of(label: str) -> str:
    """A label as a type of brat: letters, digits, `-` and `_`, which stands for all else."""
    return _NO_TYPE.sub("_", label)


def file_stem(name: str, *, taken: Iterable[str] = ()) -> str:
    """A file name for a document, without suffix: its name's last part, safe on any system, other than those taken."""
    last = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    stem = _safe(_SUFFIX.sub("", last)) or "document"
    known = {one.casefold() for one in taken}  # some file systems see no difference
    number, numbered = 1, stem
    while numbered.casefold() in known:
        number += 1
        numbered = f"{stem}-{number}"
    return numbered


def _folder_of(name: str, root: Path | None) -> Path:
    """The folders between `root` and what a name says lies in it, safe as `file_stem`; none where it lies elsewhere."""
    path = Path(name)
    if root is None or not path.is_relative_to(root):
        return Path()
    return Path(*filter(None, map(_safe, path.relative_to(root).parts[:-1])))


def _safe(name: str) -> str:
    """A name that is one on any system and leads nowhere else; empty for `..` and the like."""
    safe = re.sub(r"[^\w.+=,@-]", "_", name).lstrip(".")
    return safe.encode(errors="ignore")[:_LONGEST].decode(errors="ignore")


def _fragments(text: str, entity: Entity) -> Iterator[tuple[int, int]]:
    """The pieces of an entity between line breaks, without white space around them."""
    start = entity.start
    for found in [*_BREAKS.finditer(text, entity.start, entity.end), None]:
        end = entity.end if found is None else found.start()
        piece = text[start:end]
        stripped = piece.strip()
        if stripped:
            begin = start + len(piece) - len(piece.lstrip())
            yield begin, begin + len(stripped)
        start = end if found is None else found.end()


def _check_encodable(document: Document) -> None:
    try:
        document.text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{_named(document)}: character {error.start} is half of a character, which UTF-8 cannot hold"
        ) from error


def _named(document: Document) -> str:
    return printable(document.name) or "document"
