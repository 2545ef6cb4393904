"""From sentences, files or rows to the tags a run gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from ner.components import component, component_from_menu
from ner.corpus.dependencies import GivenDependencies, TreeProvider
from ner.corpus.dependencies.provider import GIVEN
from ner.corpus.format import Format
from ner.corpus.labels import label_table, relabelled
from ner.corpus.sentence import Sentence
from ner.corpus.sniffing import format_of
from ner.corpus.source import SourceBase
from ner.corpus.trees import SourceWithTrees
from ner.training.run import Run

PARSERS = {"corenlp_parser": ("formalism", "parser"), "stanza": ("language",)}
"""By name in the menu, the options of each that make its trees what they are and that say so in its fingerprint."""


@runtime_checkable
class Trained(Protocol):
    """What was trained on trees of a formalism: a run, or a recognizer."""

    @property
    def formalism(self) -> str: ...

    @property
    def trained_trees(self) -> Mapping[str, Any]:
        """The fingerprint of the provider of these trees; empty where it was not kept."""

    def check_formalism(self, formalism: str) -> None:
        """Refuse trees of another formalism with a ValueError."""


def format_of_run(path: Path, run: Run) -> Format:
    """The format of the files at a path, read with the options that the run's corpus was, if that is its format.

    Raises:
        ValueError: as `ner.corpus.sniffing.format_of`.
    """
    corpus = _corpus(run)
    if isinstance(corpus, SourceWithTrees):
        corpus = corpus.source
    return format_of(path, corpus if isinstance(corpus, Format) else None)


def with_labels_of_run(sentences: Iterable[Sentence], run: Run) -> Iterator[Sentence]:
    """The sentences with their entity types renamed as those of the run's corpus were."""
    corpus = _corpus(run)
    table = label_table(corpus.labels if isinstance(corpus, SourceBase) else None)
    return (relabelled(sentence, table) for sentence in sentences)


def _corpus(run: Run) -> object:
    """The source that the run was trained on; None where it was given as prepared."""
    config = run.config.get("corpus")
    return None if config is None else component({**config, "_convert_": "all"}, "ner.corpus")


def tree_provider(
    path: Path, file_format: Format, run: Trained, chosen: TreeProvider | None, *, uses_trees: bool
) -> TreeProvider:
    """What gives the sentences of a file the trees that a run needs; nothing is converted for one that uses none.

    Unless the caller chooses, these are the heads in the file where their formalism is the run's. A file without heads
    has trees made for it in the way that the run's own were: by the same parser, or by converting its parses.

    Args:
        chosen: the caller's choice; with `given` of no formalism the caller vouches for the heads in the file.
        uses_trees: whether the run's tagger does.

    Raises:
        ValueError: where the formalisms differ or may differ.
    """
    if chosen is not None:
        if chosen.formalism != GIVEN:
            run.check_formalism(chosen.formalism)
        return chosen
    of_heads = file_format.formalism(file_format.find(path)[0])
    if not uses_trees or run.formalism in (GIVEN, of_heads):
        return GivenDependencies(formalism=run.formalism)
    if of_heads is not None:
        raise ValueError(
            f"the run was trained on {run.formalism!r} trees, and the format of these files does not say that their "
            f"heads are such: add dependencies=given if they are {run.formalism!r} too"
        )
    return as_trained(run)


def as_trained(run: Trained) -> TreeProvider:
    """What makes trees as those of the run's corpus were made: the same parser, or the conversion to its formalism.

    Only the menu's own options are used: paths that came with a run, which may be a stranger's, are not.

    Raises:
        ValueError: where there is no way to trees of the run's formalism, as for `given`.
    """
    trees = run.trained_trees
    options = PARSERS.get(trees.get("provider", ""))
    if options is None:
        return cast(TreeProvider, component_from_menu("dependencies", run.formalism))
    choices = {option: str(trees[option]) for option in options}
    return cast(TreeProvider, component_from_menu("dependencies", trees["provider"], choices))
