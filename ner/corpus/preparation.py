"""From a source and a converter of trees to a prepared corpus on disk."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields, is_dataclass
from glob import glob
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ner import __version__
from ner.corpus.dependencies import Dependencies, GivenDependencies, StanfordDependencies, UniversalDependencies
from ner.corpus.files import replacing
from ner.corpus.jars import class_path
from ner.corpus.rows import FORMAT, MANIFEST, check_missing_trees, lacks_tree, schema, to_table
from ner.corpus.sentence import Sentence
from ner.corpus.source import SPLITS, Source, SplitCounts, count_sentences
from ner.corpus.trees import SourceWithTrees

_CHUNK = 4096  # sentences in memory at a time


@runtime_checkable
class Progress(Protocol):
    """Passes on the sentences of a split of known size as they are converted, and shows it."""

    def __call__(self, sentences: Iterator[Sentence], *, split: str, total: int) -> Iterator[Sentence]: ...


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
    formalism, converter = dependencies.name, dependencies
    if isinstance(source, SourceWithTrees) and formalism in source.trees:
        source, converter = source.choose(formalism), GivenDependencies()
    files = {split: [_fingerprint(file) for file in source.files(split)] for split in SPLITS}
    origin = {
        "format": FORMAT,
        "source": _options(source, with_paths=not any(files.values())),
        "formalism": formalism,
        "converter": type(converter).__qualname__,
        "class_path": getattr(converter, "classpath", None),
        "files": {split: [file["sha256"] for file in files[split]] for split in SPLITS},
    }
    digest = hashlib.sha256(json.dumps(origin, sort_keys=True, default=str).encode()).hexdigest()
    path = root / f"{source.name}-{formalism}-{digest[:10]}"
    if not path.is_dir():
        from filelock import FileLock

        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f".{path.name}.lock"):  # two commands may start at once
            if not path.is_dir():
                manifest = {**origin, "files": files, "digest": digest}
                _write(path, source, converter, manifest, missing_trees, progress)
    manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    for split, counts in manifest["counts"].items():
        _check_trees(split, counts, missing_trees)
    return path


def _write(
    path: Path,
    source: Source,
    converter: Dependencies,
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
            conversion: Counter[str] = Counter()
            sentences = converter.convert(source.read(split), conversion)
            if progress is not None:
                sentences = progress(sentences, split=split, total=size.sentences)
            without_tree = _write_rows(sentences, partial / f"{split}.arrow", size)
            _write_json(finished, {**asdict(size), **without_tree, "conversion": conversion})
        counts[split] = json.loads(finished.read_text(encoding="utf-8"))
        _check_trees(split, counts[split], missing_trees)

    complete = partial / "complete"
    shutil.rmtree(complete, ignore_errors=True)
    rows = DatasetDict({split: Dataset.from_file(str(partial / f"{split}.arrow")) for split in SPLITS})
    with _silence():
        rows.save_to_disk(str(complete))
    _write_json(complete / MANIFEST, {**manifest, "counts": counts, "software": _software(converter)})
    complete.rename(path)
    shutil.rmtree(partial)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep `datasets` from showing progress of its own, of a second or less."""
    from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    was_silent = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not was_silent:
            enable_progress_bars()


def _write_rows(sentences: Iterator[Sentence], path: Path, expected: SplitCounts) -> dict[str, Any]:
    """Write one split as an Arrow stream; give the number of sentences without a tree and the place of the first."""
    import pyarrow as pa

    num_sentences = num_tokens = without_tree = 0
    first_without_tree = None
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema()) as writer:
        while chunk := list(islice(sentences, _CHUNK)):
            writer.write_table(to_table(chunk, missing_trees="self_heads"))
            num_sentences += len(chunk)
            num_tokens += sum(map(len, chunk))
            for sentence in chunk:
                if lacks_tree(sentence):
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


def _options(source: object, *, with_paths: bool) -> dict[str, Any]:
    """What a source was made with; where its files can be hashed, without the paths, which say nothing of them."""
    options: dict[str, Any] = {"component": type(source).__qualname__}
    if is_dataclass(source):
        for option in fields(source):
            if with_paths or "Path" not in str(option.type):
                value = getattr(source, option.name)
                options[option.name] = _options(value, with_paths=with_paths) if is_dataclass(value) else value
    return options


def _fingerprint(file: Path) -> dict[str, Any]:
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return {"path": str(file), "bytes": file.stat().st_size, "sha256": digest}


def _software(converter: Dependencies) -> dict[str, Any]:
    """The versions of what took part, and the jars of a converter that runs in Java."""
    software: dict[str, Any] = {"ner": __version__, "python": platform.python_version()}
    software |= {package: version(package) for package in ("datasets", "pyarrow", "stanza")}
    if isinstance(converter, UniversalDependencies | StanfordDependencies):
        places = class_path(converter.classpath, converter.cache_dir).split(os.pathsep)
        jars = [Path(jar) for place in places for jar in sorted(glob(place))]
        software["jars"] = [_fingerprint(jar) for jar in jars if jar.is_file()]
    return software


def _write_json(path: Path, content: object) -> None:
    with replacing(path) as file:
        file.write((json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())
