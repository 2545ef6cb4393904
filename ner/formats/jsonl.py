"""Documents as JSON lines: one object a document, with its entities by character offsets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ner.corpus.files import replacing
from ner.document import Document, Entity

_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def to_jsonl(document: Document) -> str:
    r"""A document as a line of JSON, without the line's end.

    Keys are `name` (where there is one), `text`, and `entities` with `text`, `label`, `start`, `end` (characters, as
    Python counts them) and `probability`. Where the k best readings were asked for, `sentences` has `start`, `end` and
    `readings` of each, with the `probability` and `entities` of each. What some readers take for the end of a line,
    and halves of characters that UTF-8 cannot hold, are written as `\uXXXX`, which a reader of JSON gives back as they
    were.
    """
    content: dict[str, Any] = {"name": document.name} if document.name else {}
    content |= {
        "text": document.text,
        "entities": [_entity(entity) for entity in document.entities],
    }
    if any(sentence.readings for sentence in document):
        content["sentences"] = [
            {
                "start": sentence.start,
                "end": sentence.end,
                "readings": [
                    {"probability": reading.probability, "entities": [_entity(entity) for entity in reading.entities]}
                    for reading in sentence.readings
                ],
            }
            for sentence in document
        ]
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _entity(entity: Entity) -> dict[str, Any]:
    return {
        "text": entity.text,
        "label": entity.label,
        "start": entity.start,
        "end": entity.end,
        "probability": entity.probability,
    }


def save_jsonl(documents: Iterable[Document], path: Path) -> None:
    """Write a line for each document as it comes; the file is there when all are written.

    Raises:
        ValueError: where there is a link or a device.
    """
    with replacing(path) as file:
        for document in documents:
            file.write(to_jsonl(document).encode() + b"\n")
