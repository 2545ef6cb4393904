"""Named entity recognition with a dependency-guided LSTM-CRF (Jie & Lu, EMNLP 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ner.recognizer import Recognizer

__all__ = ["Recognizer"]
__version__ = "0.2.0"


def __getattr__(name: str) -> type[Recognizer]:
    """`ner.Recognizer`, imported when it is first asked for."""
    if name == "Recognizer":
        from ner.recognizer import Recognizer

        return Recognizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
