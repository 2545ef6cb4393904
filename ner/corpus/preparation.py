"""From a source and a provider of trees to a prepared corpus on disk."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields, is_dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ner import __version__
from ner.corpus.checksums import write_checksums
from ner.corpus.dependencies import GivenDependencies, TreePolicy, TreeProvider
from ner.corpus.dependencies.policy import add_counts, count_trees
from ner.corpus.files import check_directory, write_json
from ner.corpus.jars import sha256
from ner.corpus.labels import check_labels, label_table, relabelled
from ner.corpus.rows import FORMAT, MANIFEST, schema, to_table
from ner.corpus.sentence import Sentence
from ner.corpus.source import Source, SplitCounts
from ner.corpus.survey import Survey, overlaps, survey

_CHUNK = 4096  # sentences in memory at a time


@runtime_checkable
class Progress(Protocol):
    """Passes on the sentences of a split of known size as they are converted, and shows it."""

    def __call__(self, sentences: Iterator[Sentence], *, split: str, total: int) -> Iterator[Sentence]: ...


def prepare(
    source: Source,
    provider: TreeProvider,
    *,
    root: Path,
    trees: TreePolicy = TreePolicy(),  # noqa: B008 (frozen)
    progress: Progress | None = None,
) -> Path:
    """Give the directory of the prepared corpus, and make it where it is not there.

    Its name ends in a digest of the content of all source files, of the options they are read with, and of what the
    trees come from, so that it is found again, and never when any of these has changed. All splits are read and
    counted, and the counts checked, before trees are attached. A preparation that was cut short resumes with the split
    it had come to. Sentences without a tree are stored without one; whoever needs trees checks
    `ner.corpus.dataset.Prepared.check_trees`.

    Args:
        provider: gives the trees; a source that brings such trees along needs no conversion.
        root: where prepared corpora are kept.
        trees: says whether malformed trees in the files are repaired.

    Raises:
        ValueError: for bad input, naming file and line, and for an empty split.
    """
    converted = source.converted(provider.formalism) if provider.is_gold else None
    if converted is not None:
        source, provider = converted, GivenDependencies(formalism=provider.formalism)
    files = {split: [_fingerprint(file) for file in source.files(split)] for split in source.splits}
    origin = {
        "format": FORMAT,
        "source": _options(source, with_paths=not any(files.values())),
        "formalism": provider.formalism,
        "trees": provider.fingerprint(),
        "repaired": trees.malformed == "repair",
        "files": {split: [file["sha256"] for file in files[split]] for split in files},
    }
    digest = hashlib.sha256(json.dumps(origin, sort_keys=True, default=str).encode()).hexdigest()
    path = root / f"{source.name}-{provider.formalism}-{digest[:10]}"
    if not path.is_dir():
        from filelock import FileLock

        check_directory(root)
        surveys = _surveyed(source)  # before anything is written
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f".{path.name}.lock"):  # two commands may start at once
            if not path.is_dir():
                manifest = {**origin, "files": files, "digest": digest}
                _write(path, source, provider, manifest, surveys, trees, progress)
    shutil.rmtree(_partial(path), ignore_errors=True)  # of a process that was killed when all was done
    return path


def _partial(path: Path) -> Path:
    """Where a corpus is until it is complete."""
    return path.with_name(f".{path.name}.partial")


def _surveyed(source: Source) -> dict[str, Survey]:
    """What is in each split, once all of it is read and found to be a corpus."""
    table = label_table(source.labels)
    surveys = {split: survey(source.read(split), table) for split in source.splits}
    for split, found in surveys.items():
        if not found.counts.sentences:
            raise ValueError(f"the {split} split of {source.name} is empty: it has no sentence")
    source.check({split: found.counts for split, found in surveys.items()})
    check_labels(table, set().union(*(found.labels for found in surveys.values())))
    for split in ("train", "validation"):
        if not surveys[split].new_labels:
            notes = source.notes(split)
            where = f"; how tags are looked for: {'; '.join(notes)}" if notes else ""
            raise ValueError(f"the {split} split of {source.name} has no entity{where}")
    return surveys


def _write(
    path: Path,
    source: Source,
    provider: TreeProvider,
    manifest: Mapping[str, Any],
    surveys: Mapping[str, Survey],
    trees: TreePolicy,
    progress: Progress | None,
) -> None:
    from datasets import Dataset, DatasetDict

    table = label_table(source.labels)
    sizes = {split: found.counts for split, found in surveys.items()}
    notes = {split: source.notes(split) for split in source.splits}

    partial = _partial(path)
    partial.mkdir(exist_ok=True)
    counts = {}
    for split, size in sizes.items():
        finished = partial / f"{split}.json"
        if not finished.is_file():
            conversion: Counter[str] = Counter()
            read = (relabelled(sentence, table) for sentence in source.read(split))
            sentences = provider.attach(trees.read(read, conversion), conversion)
            if progress is not None:
                sentences = progress(sentences, split=split, total=size.sentences)
            without_tree = _write_rows(sentences, partial / f"{split}.arrow", size)
            entities = surveys[split].new_labels.total()
            write_json(finished, {**asdict(size), "entities": entities, **without_tree, "conversion": conversion})
        counts[split] = json.loads(finished.read_text(encoding="utf-8"))

    complete = partial / "complete"
    shutil.rmtree(complete, ignore_errors=True)
    rows = DatasetDict({split: Dataset.from_file(str(partial / f"{split}.arrow")) for split in sizes})
    with _silence():
        rows.save_to_disk(str(complete))
    labels = {split: dict(found.new_labels.most_common()) for split, found in surveys.items()}
    found = {"counts": counts, "labels": labels, "notes": notes, "overlaps": overlaps(surveys)}
    write_json(complete / MANIFEST, {**manifest, **found, "software": _software()})
    write_checksums(complete)
    complete.rename(path)


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
    """Write one split as an Arrow stream; give its `count_trees`."""
    import pyarrow as pa

    num_tokens = 0
    counts: dict[str, Any] = count_trees(to_table([]))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema()) as writer:
        while chunk := list(islice(sentences, _CHUNK)):
            table = to_table(chunk)
            writer.write_table(table)
            counts = add_counts(counts, count_trees(table))
            num_tokens += sum(map(len, chunk))
    if (counts["sentences"], num_tokens) != (expected.sentences, expected.tokens):
        raise ValueError(
            f"{path.stem}: {expected.sentences} sentences of {expected.tokens} tokens were read, but "
            f"{counts['sentences']} of {num_tokens} came back with trees; did the files change meanwhile?"
        )
    return counts


def _options(source: object, *, with_paths: bool) -> dict[str, Any]:
    """What a source was made with; where its files can be hashed, without the paths, which say nothing of them.

    Options at their default are left out, so that a new one changes no digest.
    """
    options: dict[str, Any] = {"component": type(source).__qualname__}
    if is_dataclass(source):
        for option in fields(source):
            value = getattr(source, option.name)
            if value != option.default and (with_paths or "Path" not in str(option.type)):
                options[option.name] = _options(value, with_paths=with_paths) if is_dataclass(value) else value
    return options


def _fingerprint(file: Path) -> dict[str, Any]:
    return {"path": str(file), "bytes": file.stat().st_size, "sha256": sha256(file)}


def _software() -> dict[str, str]:
    """The versions of what took part."""
    packages = {package: version(package) for package in ("datasets", "pyarrow", "stanza")}
    return {"ner": __version__, "python": platform.python_version(), **packages}
