"""From sentences, files or rows to the tags a run gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import cast

from ner.components import component_from_menu
from ner.corpus.conll2012 import read_conll2012
from ner.corpus.conll2012 import rewrite_entities as rewrite_conll2012
from ner.corpus.conllx import read_conllx
from ner.corpus.conllx import rewrite_entities as rewrite_conllx
from ner.corpus.dataset import encode
from ner.corpus.dependencies import Dependencies
from ner.corpus.files import find_files
from ner.corpus.sentence import Sentence, Span
from ner.corpus.tags import tags_to_spans
from ner.corpus.vocabulary import Vocabularies
from ner.model.tagger import Tagger
from ner.training.decoding import predict_tags
from ner.training.run import Run


@dataclass(frozen=True, kw_only=True)
class Format:
    """How files are read, and copied with other entities; `has_heads` where they hold dependency trees."""

    read: Callable[[Path], Iterator[Sentence]]
    rewrite: Callable[[Path, Path, Iterable[Sequence[Span]]], None]
    has_heads: bool


CONLL2012 = Format(read=read_conll2012, rewrite=rewrite_conll2012, has_heads=False)
CONLLX = Format(read=read_conllx, rewrite=rewrite_conllx, has_heads=True)


def format_of(path: Path) -> Format:
    """The format of the files at a path, as the first of them begins.

    CoNLL-2012 has `#begin document` headings; CoNLL-X and CoNLL-U have ten or eleven columns between tabs.

    Raises:
        ValueError: where there is no file.
    """
    with find_files(path, ("*_conll", "*.conll", "*.conllx", "*.conllu"))[0].open("rb") as file:
        for line in file:
            if line.startswith(b"#begin document"):
                return CONLL2012
            if line.strip() and not line.startswith(b"#"):
                return CONLLX if line.count(b"\t") in (9, 10) else CONLL2012
    return CONLLX


def tree_source(path: Path, run: Run, dependencies: Dependencies | None, *, uses_trees: bool) -> Dependencies:
    """What gives the sentences of a file the trees that a run needs; nothing is converted for one that uses none.

    Trees of CoNLL-2012 are converted into the run's formalism. The heads of CoNLL-X say nothing of theirs, so they are
    taken where the run was trained on heads from files too (`given`), or where the caller vouches for them with
    `given`; those of `*.conllu` are Universal Dependencies.

    Args:
        dependencies: the caller's choice; None for the default of the run's formalism.
        uses_trees: whether the run's tagger does.

    Raises:
        ValueError: where the formalisms differ or may differ.
    """
    if dependencies is None and not uses_trees:
        return cast(Dependencies, component_from_menu("dependencies", "given"))
    if dependencies is not None:
        if dependencies.name != "given":
            run.check_formalism(dependencies.name)
        return dependencies
    name = run.formalism
    if format_of(path).has_heads and name != "given":
        if not (name == "ud" and path.suffix == ".conllu"):
            raise ValueError(
                f"{path}: the run was trained on {name!r} trees, and this format does not say of which formalism "
                f"its heads are: add dependencies=given if they are {name!r} too"
            )
        name = "given"
    return cast(Dependencies, component_from_menu("dependencies", name))


def predict_spans(
    tagger: Tagger,
    sentences: Iterable[Sentence],
    vocabularies: Vocabularies,
    *,
    missing_trees: str = "error",
    chunk: int = 4096,
    batch_tokens: int = 2048,
) -> Iterator[tuple[Span, ...]]:
    """Yield the entities of each sentence in turn, with `chunk` sentences in memory at a time.

    Raises:
        ValueError: for a sentence without a tree, as `missing_trees` says (see `ner.corpus.rows.to_table`).
    """
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1, not {chunk}")
    sentences = iter(sentences)
    while part := list(islice(sentences, chunk)):
        split = encode(part, vocabularies, missing_trees=missing_trees)
        for tags in predict_tags(tagger, split, vocabularies, batch_tokens=batch_tokens):
            yield tags_to_spans(tags, scheme=vocabularies.scheme)
