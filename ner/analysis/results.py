"""The results of the runs below some directories: systems of runs, and the runs that are left out."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ner.analysis.run_files import Result, Shared, Unusable, read_run
from ner.analysis.settings import Settings, name_systems
from ner.corpus.sentence import Sentence
from ner.scoring import MEASURES
from ner.stored import printable
from ner.training.run_directory import FAILURE

SPLITS = ("validation", "test")


@dataclass(frozen=True, kw_only=True, eq=False)
class System:
    """Runs that differ only in their seed, sorted by it."""

    name: str
    settings: Settings
    runs: tuple[Result, ...]

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        return self.runs[0].sentences

    @property
    def validation_f1(self) -> float:
        """The mean over the runs."""
        return sum(run.validation_f1 for run in self.runs) / len(self.runs)


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """A run that the report leaves out."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Sweep:
    """The runs that are compared. All systems predicted the same sentences; dependency trees differ between formalisms.

    Attributes:
        directory: the deepest directory that contains all runs.
        several_corpora: groups of systems with the same settings and different prepared corpora.
    """

    directory: Path
    split: str
    systems: tuple[System, ...]
    set_aside: tuple[SetAside, ...]
    several_corpora: tuple[tuple[System, ...], ...] = ()

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """The sentences of the first system, for what does not depend on the formalism."""
        return self.systems[0].sentences

    @property
    def measure(self) -> str:
        """What the micro F1 of the runs is called: accuracy, where all of them label given targets."""
        tasks = {run.task for system in self.systems for run in system.runs}
        return MEASURES["sentiment" if tasks == {"sentiment"} else "ner"]


def read_sweep(*directories: Path, split: str = "test") -> Sweep:
    """Read the runs in directories and below them.

    Left out, with the reason, are runs that failed, are not finished or are damaged, that have no predictions for the
    split or not those that their scores belong to, that repeat another's settings and seed in the same directory, and
    those of other sentences than most. Runs of one system have one prepared corpus, by its digest: where settings are
    the same and corpora are not, they are systems of their own. So are runs of the same settings and seeds in different
    ones of the directories.

    Raises:
        ValueError: where there is no run, or none that can be reported on.
    """
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}: choose one of {', '.join(SPLITS)}")
    found: dict[Path, Path] = {}
    for directory in directories:
        if not directory.is_dir():
            raise ValueError(f"{directory}: no such directory")
        runs = _run_directories(directory)
        if not runs:
            raise ValueError(f"{directory}: there is no run in it or below it; `python -m ner.train` makes runs")
        for path in runs:
            found.setdefault(Path(os.path.abspath(path)), directory)
    parent = common_directory(directories)
    shared = Shared()
    results: list[tuple[Path, Result]] = []
    set_aside: list[SetAside] = []
    for path, directory in found.items():
        relative = path.relative_to(os.path.abspath(parent)).as_posix()
        name = printable(path.name if relative == "." else relative)
        try:
            results.append((directory, read_run(path, name=name, split=split, shared=shared)))
        except Unusable as error:
            set_aside.append(SetAside(name=name, reason=str(error)))
    results, of_others = _of_the_same_sentences(results)
    systems, several_corpora, repeated = _group(results)
    set_aside += [*of_others, *repeated]
    if not systems:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in set_aside[:3])
        where = ", ".join(map(str, directories))
        raise ValueError(f"{where}: none of the {len(found)} runs can be reported on ({reasons})")
    set_aside.sort(key=lambda one: one.name)
    return Sweep(
        directory=parent,
        split=split,
        systems=systems,
        set_aside=tuple(set_aside),
        several_corpora=several_corpora,
    )


def common_directory(directories: Sequence[Path]) -> Path:
    """The deepest directory that contains all of these."""
    if len(directories) == 1:
        return directories[0]
    return Path(os.path.commonpath([os.path.abspath(directory) for directory in directories]))


def _run_directories(directory: Path) -> list[Path]:
    """The directories of runs, and of jobs that failed before they became runs."""
    names = ("config.yaml", FAILURE)
    found = {path.parent for name in names for path in directory.rglob(name)}
    # Hydra keeps a config.yaml of its own for each job, in directories that begin with a dot
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(directory).parts))


def _of_the_same_sentences(results: Sequence[tuple[Path, Result]]) -> tuple[list[tuple[Path, Result]], list[SetAside]]:
    """The runs that predicted the same sentences as most runs, and the others."""
    texts = {id(result.sentences): _text_digest(result.sentences) for _, result in results}  # one tuple a formalism
    numbers = Counter(texts[id(result.sentences)] for _, result in results)
    if len(numbers) < 2:
        return list(results), []
    most = numbers.most_common(1)[0][0]
    first = next(result for _, result in results if texts[id(result.sentences)] == most)
    kept = [one for one in results if texts[id(one[1].sentences)] == most]
    return kept, [
        SetAside(
            name=result.name,
            reason=(
                f"of another corpus ({_corpus(result)}) than {first.name} ({_corpus(first)}): "
                "give runs= directories with runs of one corpus"
            ),
        )
        for _, result in results
        if texts[id(result.sentences)] != most
    ]


def _corpus(result: Result) -> str:
    """A prepared corpus as messages name it: by its directory, or where that is unknown by the digest."""
    return printable(result.corpus) or f"digest {result.digest[:10]}"


def _text_digest(sentences: Sequence[Sentence]) -> str:
    """A digest of words and gold entities."""
    content = repr([(sentence.words, [(s.start, s.end, s.label) for s in sentence.spans]) for sentence in sentences])
    return hashlib.sha256(content.encode(errors="backslashreplace")).hexdigest()


def _group(
    results: Sequence[tuple[Path, Result]],
) -> tuple[tuple[System, ...], tuple[tuple[System, ...], ...], list[SetAside]]:
    """The systems, groups of those that differ only in their corpora, and the runs that repeat another."""
    same_settings = defaultdict[str, list[tuple[Path, Result]]](list)
    for directory, result in results:
        same_settings[repr(sorted(result.settings.items(), key=lambda item: item[0]))].append((directory, result))
    members: list[tuple[Settings, tuple[Result, ...]]] = []  # what names a system, and its runs
    corpora_of: list[str] = []
    set_aside: list[SetAside] = []
    for key, runs in same_settings.items():
        has_corpora = len({result.digest for _, result in runs}) > 1
        has_sources = _repeats(runs)
        parts = defaultdict[tuple[str, Path | None], dict[int, Result]](dict)
        for directory, result in runs:
            part = parts[result.digest, directory if has_sources else None]
            if result.seed in part:
                reason = f"settings and seed are those of {part[result.seed].name}"
                set_aside.append(SetAside(name=result.name, reason=reason))
            part.setdefault(result.seed, result)
        for (digest, source), by_seed in parts.items():
            named = dict(runs[0][1].settings)
            if has_corpora:
                named["corpus"] = digest[:8]
            if source is not None:
                named["from"] = re.sub(r"[^\w.+-]", "_", Path(os.path.abspath(source)).name)
            members.append((named, tuple(by_seed[seed] for seed in sorted(by_seed))))
            corpora_of.append(key if has_corpora else "")
    names = name_systems([named for named, _ in members])
    systems = [
        System(name=name, settings=runs[0].settings, runs=runs) for name, (_, runs) in zip(names, members, strict=True)
    ]
    several = defaultdict[str, list[System]](list)
    for system, key in zip(systems, corpora_of, strict=True):
        if key:
            several[key].append(system)
    return (
        tuple(sorted(systems, key=lambda system: system.name)),
        tuple(tuple(sorted(group, key=lambda system: system.name)) for group in several.values()),
        set_aside,
    )


def _repeats(runs: Iterable[tuple[Path, Result]]) -> bool:
    """Whether a seed occurs in several of the directories that were given."""
    sources = defaultdict[tuple[str, int], set[Path]](set)
    for directory, result in runs:
        sources[result.digest, result.seed].add(directory)
    return any(len(found) > 1 for found in sources.values())
