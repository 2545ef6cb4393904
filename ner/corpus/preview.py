"""What is in a corpus, in words, before anything is prepared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ner.corpus.labels import check_labels, label_table
from ner.corpus.source import Source
from ner.corpus.survey import Survey, overlaps, survey

_MOST_PROBLEMS = 10
_FEW = 3


@dataclass(frozen=True, slots=True)
class Preview:
    """The description, the first problems at its end, and how many there are."""

    text: str
    num_problems: int


def preview(source: Source) -> Preview:
    """Read all splits, and say what is there: files, counts, schemes, trees, types, overlap, and the first problems.

    Nothing is converted; what cannot be read is a problem, and the rest is looked at all the same.
    """
    table = label_table(source.labels)
    lines: list[str] = []
    problems: list[str] = []
    surveys: dict[str, Survey] = {}
    num_unlisted = 0
    for split in source.splits:
        try:
            files, notes = source.files(split), source.notes(split)
            found = survey(source.outcomes(split), table)
        except ValueError as error:
            if str(error) not in problems:
                problems.append(str(error))
            continue
        surveys[split] = found
        lines += _describe(split, len(files), found)
        lines += [f"  {note}" for note in notes]
        problems += found.problems
        num_unlisted += found.num_problems - len(found.problems)
        if split != "test" and not found.new_labels:
            problems.append(f"the {split} split has no entity")
    try:
        check_labels(table, set().union(*(found.labels for found in surveys.values())))
    except ValueError as error:
        problems.append(str(error))
    lines += types_table({split: found.new_labels for split, found in surveys.items()})
    lines += overlap_lines(overlaps(surveys), {split: found.num_sentences for split, found in surveys.items()})
    return Preview("\n".join([*lines, *problems[:_MOST_PROBLEMS]]), len(problems) + num_unlisted)


def _describe(split: str, num_files: int, found: Survey) -> list[str]:
    counts = found.counts
    trees = ", ".join(f"{number:,} {kind}" for kind, number in found.trees.most_common())
    return [
        f"{split}: {num_files:,} files, {counts.documents:,} documents, {counts.sentences:,} sentences, "
        f"{counts.tokens:,} tokens, {found.new_labels.total():,} entities",
        f"  trees: {trees}",
        *(f"  malformed: {defect}" for defect in found.defects[:_FEW]),
    ]


def types_table(labels: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The lines of a table of entity types by split, a blank one first; none where there is no type."""
    names = sorted(set().union(*labels.values()))
    if not names:
        return []
    width = max(len(name) for name in names)
    lines = ["", " ".join([f"{'':{width}}", *(f"{split:>12}" for split in labels)])]
    for name in names:
        counts = (f"{of_split.get(name, 0):12,}" for of_split in labels.values())
        lines.append(" ".join([f"{name:{width}}", *counts]))
    return lines


def overlap_lines(overlaps: Mapping[str, int], sentences: Mapping[str, int]) -> list[str]:
    """Say how many sentences of each split stand in another: `overlaps` as `ner.corpus.survey.overlaps` gives them."""
    lines = []
    for pair, number in overlaps.items():
        first, _, second = pair.partition("/")
        if number:
            lines.append(f"{number:,} of {sentences[second]:,} {second} sentences stand in {first} too")
    return lines
