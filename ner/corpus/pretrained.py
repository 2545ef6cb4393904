"""A pretrained encoder's files: found in a folder or on the Hugging Face Hub, and known again by their digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIGURATION = "config.json"
_WEIGHTS = ("model*.safetensors", "model.safetensors.index.json")
_TOKENIZER = (
    "tokenizer*.json",
    "*.model",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
)


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """An encoder whose files are all in `folder`, found by `name`; `revision` is the commit where it is of the Hub."""

    name: str
    folder: Path
    revision: str | None

    def files(self) -> EncoderFiles:
        """What an encoder is built from, its own weights among it."""
        return EncoderFiles(folder=self.folder, find_weights=lambda: self.folder)

    def digest(self) -> str:
        """SHA-256 of the names and contents of the configuration and the weights."""
        whole = hashlib.sha256()
        for file in sorted({file for pattern in (CONFIGURATION, *_WEIGHTS) for file in self.folder.glob(pattern)}):
            with file.open("rb") as opened:
                whole.update(f"{file.name} {hashlib.file_digest(opened, 'sha256').hexdigest()}\n".encode())
        return whole.hexdigest()


@dataclass(frozen=True, kw_only=True)
class EncoderFiles:
    """What an encoder is built from: the folder of its configuration, and what finds that of its weights.

    Without `find_weights` its weights are those of a run, which are loaded into it afterwards.
    """

    folder: Path
    find_weights: Callable[[], Path] | None


_PATTERNS = (CONFIGURATION, *_WEIGHTS, *_TOKENIZER)


def find(name: str, revision: str | None = None) -> Pretrained:
    """The encoder in a local folder, or that of the Hub by its id, which is downloaded where it is not there yet.

    Only its configuration, its tokenizer and weights in safetensors are looked at: nothing that could be executed.

    Raises:
        ValueError: where there is no such encoder, it lacks a configuration or safetensors weights, it is an adapter
            for another, or a `revision` is given for a folder.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        if revision is not None:
            raise ValueError(f"{name} is a folder, which has no revision {revision!r}: leave revision out")
        found = Pretrained(name=name, folder=folder.resolve(), revision=None)
    else:
        found = _from_hub(name, revision)
    _check(found)
    return found


def read_configuration(folder: Path) -> dict[str, Any]:
    """An encoder's `config.json`.

    Raises:
        ValueError: naming the file, where there is none or it holds anything else.
    """
    path = folder / CONFIGURATION
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: not the configuration of an encoder ({error})") from error
    if not isinstance(content, dict) or not isinstance(content.get("model_type"), str):
        raise ValueError(f"{path}: not the configuration of an encoder: it has no model_type")
    return content


def _from_hub(name: str, revision: str | None) -> Pretrained:
    import huggingface_hub

    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ValueError(f"{name}: there is no such folder")
    try:
        folder = huggingface_hub.snapshot_download(name, revision=revision, allow_patterns=list(_PATTERNS))
    except (OSError, ValueError, huggingface_hub.errors.HfHubHTTPError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"{name}: no such folder, and not had from the Hugging Face Hub (revision {revision or 'main'}): {reason}"
        ) from error
    return Pretrained(name=name, folder=Path(folder), revision=Path(folder).name)


def _check(found: Pretrained) -> None:
    if (found.folder / "adapter_config.json").exists():
        raise ValueError(f"{found.name} is an adapter for another model: merge it into that, and name the result")
    if "quantization_config" in read_configuration(found.folder):
        raise ValueError(f"{found.name} is a quantized encoder: choose one with its own weights")
    if not any(any(found.folder.glob(pattern)) for pattern in _WEIGHTS):
        raise ValueError(
            f"{found.name} has no safetensors weights, and others may execute code when loaded: choose a revision that "
            "has them (on the Hub often refs/pr/1), or save them with transformers' save_pretrained"
        )
