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
from ner.corpus.dataset import NEEDS_TREES, encode
from ner.corpus.dependencies import GivenDependencies, TreePolicy, TreeProvider
from ner.corpus.dependencies.provider import GIVEN
from ner.corpus.files import find_files
from ner.corpus.sentence import Sentence, Span
from ner.corpus.tags import tags_to_spans
from ner.corpus.vocabulary import Vocabularies
from ner.model.tagger import Tagger
from ner.training.decoding import predict_tags
from ner.training.run import Run


@dataclass(frozen=True, kw_only=True)
class Format:
    """How files are read, and copied with other entities.

    `formalism` is that of the heads in them: `given` where the format does not say, None where it has none.
    """

    read: Callable[[Path], Iterator[Sentence]]
    rewrite: Callable[[Path, Path, Iterable[Sequence[Span]]], None]
    formalism: str | None


CONLL2012 = Format(read=read_conll2012, rewrite=rewrite_conll2012, formalism=None)
CONLLX = Format(read=read_conllx, rewrite=rewrite_conllx, formalism=GIVEN)
CONLLU = Format(read=read_conllx, rewrite=rewrite_conllx, formalism="ud")


def format_of(path: Path) -> Format:
    """The format of the files at a path, as the first of them begins.

    CoNLL-2012 has `#begin document` headings; CoNLL-X and CoNLL-U have ten or eleven columns between tabs, and are
    told apart by the name `*.conllu`.

    Raises:
        ValueError: where there is no file.
    """
    first = find_files(path, ("*_conll", "*.conll", "*.conllx", "*.conllu"))[0]
    with_heads = CONLLU if first.suffix == ".conllu" else CONLLX
    with first.open("rb") as file:
        for line in file:
            if line.startswith(b"#begin document"):
                return CONLL2012
            if line.strip() and not line.startswith(b"#"):
                return with_heads if line.count(b"\t") in (9, 10) else CONLL2012
    return with_heads


def tree_provider(file_format: Format, run: Run, chosen: TreeProvider | None, *, uses_trees: bool) -> TreeProvider:
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
    if not uses_trees or run.formalism in (GIVEN, file_format.formalism):
        return GivenDependencies(formalism=run.formalism)
    if file_format.formalism is not None:
        raise ValueError(
            f"the run was trained on {run.formalism!r} trees, and the format of these files does not say that their "
            f"heads are such: add dependencies=given if they are {run.formalism!r} too"
        )
    return cast(TreeProvider, component_from_menu("dependencies", run.formalism))


def predict_spans(
    tagger: Tagger,
    sentences: Iterable[Sentence],
    vocabularies: Vocabularies,
    *,
    trees: TreePolicy = NEEDS_TREES,
    chunk: int = 4096,
    batch_tokens: int = 2048,
) -> Iterator[tuple[Span, ...]]:
    """Yield the entities of each sentence in turn, with `chunk` sentences in memory at a time.

    Raises:
        ValueError: for a sentence without a tree that `trees` refuses.
    """
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1, not {chunk}")
    sentences = iter(sentences)
    while part := list(islice(sentences, chunk)):
        split = encode(part, vocabularies, trees=trees)
        for tags in predict_tags(tagger, split, vocabularies, batch_tokens=batch_tokens):
            yield tags_to_spans(tags, scheme=vocabularies.scheme)
