"""From a source and a converter of trees to a prepared corpus on disk."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from ner import __version__
from ner.corpus.files import replacing
from ner.corpus.rows import FORMAT, MANIFEST, check_missing_trees, schema, to_table
from ner.corpus.sentence import Sentence
from ner.corpus.source import SPLITS, Source, SplitCounts, count_sentences
from ner.corpus.trees import SourceWithTrees

_CHUNK = 4096  # sentences in memory at a time


class Dependencies(Protocol):
    """Puts dependency trees on sentences (`ner.corpus.dependencies`)."""

    @property
    def name(self) -> str:
        """The formalism of the trees: `ud`, `sd` or `given`."""

    def convert(self, sentences: Iterable[Sentence]) -> Iterator[Sentence]:
        """Yield the sentences in their order, each with its tree, or with none where there is nothing to convert."""


class Progress(Protocol):
    """Passes on the sentences of a split of known size as they are converted, and shows it."""

    def __call__(self, sentences: Iterable[Sentence], *, split: str, total: int) -> Iterable[Sentence]: ...


def prepare(
    source: Source,
    dependencies: Dependencies,
    *,
    root: Path,
    missing_trees: str = "error",
    progress: Progress | None = None,
) -> Path:
    """Give the directory of the prepared corpus, and make it where it is not there.

    Its name ends in a digest of the content of all source files and of the options they are read and converted with,
    so that it is found again, and never when either has changed. All splits are read and counted, and the counts
    checked, before any is converted. A conversion that was cut short goes on with the split it had come to. Sentences
    without a tree are stored as `ner.corpus.rows.to_table` says for `self_heads`.

    Args:
        root: where prepared corpora are kept.
        missing_trees: whether sentences without a tree are an `error` or accepted (`self_heads`).

    Raises:
        ValueError: for bad input, naming file and line; for an empty split; and for sentences without a tree, with
            their number and the first of them.
    """
    check_missing_trees(missing_trees)
    if isinstance(source, SourceWithTrees) and dependencies.name in source.trees:
        source = source.choose(dependencies.name)
        convert: Callable[[Iterable[Sentence]], Iterable[Sentence]] = iter
        converter = None
    else:
        convert = dependencies.convert
        converter = _describe(dependencies, ())
    files = {split: source.files(split) for split in SPLITS}
    sources = {split: [_fingerprint(file) for file in files[split]] for split in SPLITS}
    origin = {
        "format": FORMAT,
        "source": _describe(source, [file for split in SPLITS for file in files[split]]),
        "formalism": dependencies.name,
        "converter": converter,
        "files": {split: [file["sha256"] for file in sources[split]] for split in SPLITS},
    }
    digest = hashlib.sha256(json.dumps(origin, sort_keys=True).encode()).hexdigest()
    path = root / f"{source.name}-{dependencies.name}-{digest[:10]}"
    if not path.is_dir():
        from filelock import FileLock

        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f".{path.name}.lock"):  # two commands may start at once
            if not path.is_dir():
                _write(path, source, convert, {**origin, "files": sources, "digest": digest}, missing_trees, progress)
    manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    for split, counts in manifest["counts"].items():
        _check_trees(split, counts, missing_trees)
    return path


def _write(
    path: Path,
    source: Source,
    convert: Callable[[Iterable[Sentence]], Iterable[Sentence]],
    manifest: Mapping[str, Any],
    missing_trees: str,
    progress: Progress | None,
) -> None:
    from datasets import Dataset, DatasetDict

    sizes = {split: count_sentences(source.read(split)) for split in SPLITS}
    for split, size in sizes.items():
        if not size.sentences:
            raise ValueError(f"the {split} split of {source.name} is empty: it has no sentence")
    source.check(sizes)

    partial = path.with_name(f".{path.name}.partial")
    partial.mkdir(exist_ok=True)
    counts = {}
    for split, size in sizes.items():
        finished = partial / f"{split}.json"
        if not finished.is_file():
            sentences = convert(source.read(split))
            if progress is not None:
                sentences = progress(sentences, split=split, total=size.sentences)
            counted = asdict(size) | _write_rows(sentences, partial / f"{split}.arrow", size)
            _write_json(finished, counted)
        counts[split] = json.loads(finished.read_text(encoding="utf-8"))
        _check_trees(split, counts[split], missing_trees)

    complete = partial / "complete"
    shutil.rmtree(complete, ignore_errors=True)
    rows = DatasetDict({split: Dataset.from_file(str(partial / f"{split}.arrow")) for split in SPLITS})
    rows.save_to_disk(str(complete))
    _write_json(complete / MANIFEST, {**manifest, "counts": counts, "software": _software()})
    complete.rename(path)
    shutil.rmtree(partial)


def _write_rows(sentences: Iterable[Sentence], path: Path, expected: SplitCounts) -> dict[str, Any]:
    """Write one split as an Arrow stream; give the number of sentences without a tree and the place of the first."""
    import pyarrow as pa

    num_sentences = num_tokens = without_tree = 0
    first_without_tree = None
    iterator = iter(sentences)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema()) as writer:
        while chunk := list(islice(iterator, _CHUNK)):
            writer.write_table(to_table(chunk, missing_trees="self_heads"))
            num_sentences += len(chunk)
            num_tokens += sum(map(len, chunk))
            for sentence in chunk:
                if sentence.tree is None:
                    without_tree += 1
                    first_without_tree = first_without_tree or sentence.source
    if (num_sentences, num_tokens) != (expected.sentences, expected.tokens):
        raise ValueError(
            f"{path.stem}: {expected.sentences} sentences of {expected.tokens} tokens were read, but conversion gave "
            f"{num_sentences} of {num_tokens}; did the files change meanwhile?"
        )
    return {"without_tree": without_tree, "first_without_tree": first_without_tree}


def _check_trees(split: str, counts: Mapping[str, Any], missing_trees: str) -> None:
    if counts["without_tree"] and missing_trees == "error":
        raise ValueError(
            f"{counts['without_tree']:,} of {counts['sentences']:,} {split} sentences have no dependency tree, the "
            f"first at {counts['first_without_tree']}; with missing_trees=self_heads their words are their own heads"
        )


def _describe(component: object, files: Iterable[Path]) -> dict[str, Any]:
    """The options of a source or converter, without the paths where the files lie, whose content counts instead."""
    places = {str(place) for file in files for place in (file, *file.parents)}

    def keep(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: keep(inner) for key, inner in value.items() if not is_place(inner)}
        return value if isinstance(value, str | int | float | None) else str(value)

    def is_place(value: Any) -> bool:
        return isinstance(value, str | Path) and str(Path(value)) in places

    options = asdict(component) if is_dataclass(component) and not isinstance(component, type) else {}
    return {"component": type(component).__qualname__, "options": keep(options)}


def _fingerprint(file: Path) -> dict[str, Any]:
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return {"path": str(file), "bytes": file.stat().st_size, "sha256": digest}


def _software() -> dict[str, str]:
    packages = {package: version(package) for package in ("datasets", "pyarrow", "stanza")}
    return {"ner": __version__, "python": platform.python_version(), **packages}


def _write_json(path: Path, content: object) -> None:
    with replacing(path) as file:
        file.write((json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())
