"""Documents as JSON lines: one object a document, with its entities by character offsets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ner.corpus.files import replacing
from ner.document import Document

_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def to_jsonl(document: Document) -> str:
    r"""A document as a line of JSON, without the line's end.

    Keys are `name` (where there is one), `text`, and `entities` with `text`, `label`, `start`, `end` (characters, as
    Python counts them) and `probability`. What some readers take for the end of a line, and halves of characters that
    UTF-8 cannot hold, are written as `\uXXXX`, which a reader of JSON gives back as they were.
    """
    content: dict[str, Any] = {"name": document.name} if document.name else {}
    content |= {
        "text": document.text,
        "entities": [
            {
                "text": entity.text,
                "label": entity.label,
                "start": entity.start,
                "end": entity.end,
                "probability": entity.probability,
            }
            for entity in document.entities
        ],
    }
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def save_jsonl(documents: Iterable[Document], path: Path) -> None:
    """Write a line for each document as it comes; the file is there when all are written.

    Raises:
        ValueError: where there is a link or a device.
    """
    with replacing(path) as file:
        for document in documents:
            file.write(to_jsonl(document).encode() + b"\n")
