"""Find the entities of texts and CoNLL files: `python -m ner.predict run=RUN input=PATH output=PATH`."""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from omegaconf import DictConfig

from ner.command import command
from ner.corpus.files import check_overwrite
from ner.inputs import STANDARD, Text, find_inputs, format_of_input, read_standard_input, read_texts
from ner.training.run_directory import check_run, is_export

if TYPE_CHECKING:
    from ner.corpus.format import Format
    from ner.corpus.sentence import Sentence
    from ner.document import Document
    from ner.recognizer import Recognizer
    from ner.training.run import Run

log = logging.getLogger(__name__)

Item = TypeVar("Item")
OUTPUTS = ("conll", "jsonl", "brat", "html")
TOGETHER = 256  # texts that are recognised together


@command("predict")
def main(cfg: DictConfig) -> None:
    """Write the entities that a run finds: in copies of CoNLL files, as JSON lines, brat stand-off or a web page."""
    paths = [] if cfg.input == STANDARD else find_inputs(cfg.input)
    kinds = {format_of_input(path, cfg.input_format) for path in paths} or {format_of_input(None, cfg.input_format)}
    if len(kinds) > 1 and "conll" in kinds:
        raise ValueError(f"input={cfg.input}: texts and CoNLL files together: choose one kind with input_format")
    is_conll = kinds == {"conll"}
    written = _output_format(cfg, is_conll=is_conll)
    target = Path(cfg.output)
    into_folder = written == "brat" or (written == "conll" and len(paths) > 1)
    if cfg.output != STANDARD and target.exists() and not cfg.overwrite and not (into_folder and target.is_dir()):
        raise ValueError(f"output={target} exists already: choose another, or overwrite=true")
    if cfg.output == STANDARD and into_folder:
        raise ValueError("output=-: several CoNLL files need a folder")

    if not is_export(Path(cfg.run)):
        check_run(cfg.run)
    from ner.components import provider_of  # what is slow to import comes after the checks
    from ner.recognizer import Recognizer
    from ner.threads import share_threads

    share_threads(cfg.threads)
    provider = provider_of(cfg.dependencies)
    recognizer = Recognizer.load(
        cfg.run,
        device=cfg.device,
        precision=cfg.precision,
        trees=None if is_conll else provider,
        missing_trees=cfg.missing_trees,
        malformed_trees=cfg.malformed_trees,
    )
    with recognizer:
        _predict(cfg, recognizer, Conll(recognizer, provider, cfg), paths, written=written, into_folder=into_folder)
    if cfg.output != STANDARD:
        log.info("%s", target)


def _predict(
    cfg: DictConfig, recognizer: Recognizer, conll: Conll, paths: list[Path], *, written: str, into_folder: bool
) -> None:
    skip: Callable[[Exception], None] | None = None
    if cfg.on_error == "skip":
        skip = Skipped()
    root = _root(cfg.input, paths) if paths and not Path(cfg.input).is_file() else None
    if format_of_input(paths[0] if paths else None, cfg.input_format) != "conll":
        found = _documents(recognizer, _texts(paths, cfg), k=cfg.k, skip=skip)
        _write(cfg.output, written, found, root=root, overwrite=cfg.overwrite, inputs=paths)
    else:
        with tempfile.TemporaryDirectory() as folder:
            paths = paths or [_stored(folder)]
            if written == "conll":
                _copy_all(conll, paths, cfg, into_folder=into_folder, skip=skip)
            else:
                found = (
                    document
                    for path in _with_bar(paths, unit=" files")
                    for document in _attempt(partial(conll.documents, path), skip)
                )
                _write(cfg.output, written, found, root=root, overwrite=cfg.overwrite, inputs=paths)
    if isinstance(skip, Skipped) and skip.number:
        log.warning("skipped: %d", skip.number)


class Skipped:
    """Names what could not be read, and counts it."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, error: Exception) -> None:
        self.number += 1
        log.warning("skipped: %s", error)


class Conll:
    """CoNLL files through a recognizer, with the trees that their format and the options say."""

    def __init__(self, recognizer: Recognizer, provider: object, cfg: DictConfig) -> None:
        self.recognizer = recognizer
        self.provider = provider
        self.cfg = cfg

    def format_of(self, path: Path) -> Format:
        """As the run's corpus was read; an exported model does not say how. The tags may be malformed."""
        from ner.corpus.columns import ColumnFiles
        from ner.corpus.conllx import ConllxFiles
        from ner.corpus.sniffing import format_of
        from ner.training.prediction import format_of_run

        found = format_of(path, None) if self._run is None else format_of_run(path, self._run)
        return replace(found, malformed_tags="conlleval") if isinstance(found, ColumnFiles | ConllxFiles) else found

    @cached_property
    def _run(self) -> Run | None:
        """The run that predicts; None for an exported model."""
        from ner.training.run import Run

        directory = Path(self.cfg.run)
        return None if is_export(directory) else Run.open(directory)

    def documents(self, path: Path) -> Iterator[Document]:
        """The documents of a file; sentences that name none form one that is called after the file."""
        found = self.recognizer.documents(
            self._sentences(path), k=self.cfg.k, chunk=self.cfg.chunk, batch_tokens=self.cfg.batch_tokens
        )
        for document in found:
            yield document if document.name or self.cfg.input == STANDARD else replace(document, name=str(path))

    def copy(self, path: Path, target: Path) -> list[Path]:
        """Write the file with its entity column filled out and every other byte as it was; give what was written."""
        options = {"chunk": self.cfg.chunk, "batch_tokens": self.cfg.batch_tokens}
        spans = self.recognizer.spans(self._sentences(path), **options)
        self.format_of(path).rewrite(path, target, spans)
        return [target]

    def _sentences(self, path: Path) -> Iterator[Sentence]:
        from ner.corpus.dependencies import TreeProvider
        from ner.training.prediction import tree_provider

        recognizer, file_format = self.recognizer, self.format_of(path)
        chosen = cast("TreeProvider | None", self.provider)
        provider = tree_provider(path, file_format, recognizer, chosen, uses_trees=recognizer.uses_trees)
        sentences = provider.attach(recognizer.tree_policy.read(file_format.read_path(path)))
        first = next(sentences, None)
        if first is None:
            raise ValueError(f"{path}: there is no sentence in it")
        yield first
        yield from sentences


def _output_format(cfg: DictConfig, *, is_conll: bool) -> str:
    chosen = cfg.output_format
    if chosen is not None and chosen not in OUTPUTS:
        raise ValueError(f"output_format={chosen}: choose one of {', '.join(OUTPUTS)}")
    by_name = {".jsonl": "jsonl", ".ndjson": "jsonl", ".html": "html", ".htm": "html"}.get(Path(cfg.output).suffix)
    if not (chosen or by_name or is_conll or cfg.output == STANDARD):
        raise ValueError(
            f"output={cfg.output}: its name says no format for texts: end it in .jsonl or .html, or set output_format "
            "to jsonl, brat or html"
        )
    written = str(chosen or by_name or ("conll" if is_conll else "jsonl"))
    if written == "conll" and not is_conll:
        raise ValueError("output_format=conll copies CoNLL files: texts are written as jsonl, brat or html")
    if cfg.output == STANDARD and written in ("brat", "html"):
        raise ValueError(f"output=-: {written} needs a file or folder of its own")
    return written


def _texts(paths: list[Path], cfg: DictConfig) -> Iterator[Text | ValueError]:
    if not paths:
        yield from read_standard_input(format_of_input(None, cfg.input_format))
    for path in _with_bar(paths, unit=" files"):
        yield from read_texts(path, format_of_input(path, cfg.input_format))


def _documents(
    recognizer: Recognizer, texts: Iterable[Text | ValueError], *, k: int, skip: Callable[[Exception], None] | None
) -> Iterator[Document]:
    """The document of each text in turn; what fails is given to `skip`, or raised where there is none."""
    texts = iter(texts)
    while part := list(islice(texts, TOGETHER)):
        good = [text for text in part if isinstance(text, Text)]
        errors = [error for error in part if isinstance(error, ValueError)]
        if errors and skip is None:
            raise errors[0]
        for error in errors:
            assert skip is not None
            skip(error)
        try:
            found = list(recognizer.read_all((one.text for one in good), names=(one.name for one in good), k=k))
        except ValueError:
            if skip is None:
                raise
            found = [document for one in good for document in _attempt(partial(_read, recognizer, one, k), skip)]
        yield from found


def _read(recognizer: Recognizer, text: Text, k: int) -> list[Document]:
    return [recognizer.read(text.text, name=text.name, k=k)]


def _attempt(function: Callable[[], Iterable[Item]], skip: Callable[[Exception], None] | None) -> Iterator[Item]:
    """What a function gives, all of it or nothing; its errors go to `skip`, where there is one."""
    if skip is None:
        yield from function()
        return
    try:
        found = list(function())
    except (ValueError, OSError) as error:
        skip(error)
    else:
        yield from found


def _write(
    output: str,
    output_format: str,
    documents: Iterable[Document],
    *,
    root: Path | None,
    overwrite: bool,
    inputs: Iterable[Path],
) -> None:
    """Write documents in a format; files appear when they are complete, the standard output as it goes.

    Args:
        root: the folder that several files were read from, whose folders brat's keep.
        inputs: the files that were read, of which brat's output may overwrite none with another text.
    """
    from ner.formats.brat import save_brat
    from ner.formats.html import save_html
    from ner.formats.jsonl import save_jsonl, to_jsonl

    if output == STANDARD:
        for document in documents:
            sys.stdout.buffer.write(to_jsonl(document).encode() + b"\n")
            sys.stdout.buffer.flush()
    elif output_format == "brat":
        save_brat(documents, Path(output), root=root, overwrite=overwrite, inputs=inputs)
    else:
        save = {"jsonl": save_jsonl, "html": save_html}[output_format]
        save(documents, Path(output))


def _copy_all(
    conll: Conll, paths: list[Path], cfg: DictConfig, *, into_folder: bool, skip: Callable[[Exception], None] | None
) -> None:
    target = Path(cfg.output)
    if not into_folder:
        if cfg.output == STANDARD:
            copy = paths[0].with_name("output")
            conll.copy(paths[0], copy)
            sys.stdout.buffer.write(copy.read_bytes())
        else:
            conll.copy(paths[0], target)
        return
    root = _root(cfg.input, paths)
    copies = {path: target / path.relative_to(root) for path in paths}
    for copy in copies.values():
        check_overwrite(copy, overwrite=cfg.overwrite)
    for path in _with_bar(paths, unit=" files"):
        copy = copies[path]
        copy.parent.mkdir(parents=True, exist_ok=True)
        for written in _attempt(partial(conll.copy, path, copy), skip):
            log.debug("%s", written)


def _root(given: str, paths: list[Path]) -> Path:
    """The folder that was given, or the one that all files are in."""
    if Path(given).is_dir():
        return Path(given)
    parts = []
    for names in zip(*(path.parent.parts for path in paths), strict=False):
        if len({*names}) > 1:
            break
        parts.append(names[0])
    return Path(*parts)


def _stored(folder: str) -> Path:
    """The standard input as a file, since the readers of CoNLL name files and lines."""
    path = Path(folder, "standard-input")
    path.write_bytes(sys.stdin.buffer.read())
    return path


def _with_bar(items: list[Item], *, unit: str) -> Iterable[Item]:
    from tqdm import tqdm

    bar: Iterable[Item] = tqdm(items, unit=unit, leave=False, disable=len(items) < 2 or not sys.stderr.isatty())
    return bar


if __name__ == "__main__":
    main()
