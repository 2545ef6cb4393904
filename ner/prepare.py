"""Text becomes a prepared corpus: `python -m ner.prepare corpus=ontonotes corpus.root=DIR dependencies=sd`."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from omegaconf import DictConfig, OmegaConf

from ner.command import command
from ner.components import provider_of
from ner.options import check_component

if TYPE_CHECKING:
    from ner.corpus.sentence import Sentence
    from ner.corpus.source import Source

log = logging.getLogger(__name__)


def prepared_corpus(cfg: DictConfig) -> Path:
    """The directory of the corpus that a configuration asks for, prepared first where that has not been done.

    Reads `corpus`, `dependencies`, `prepared_root` and `malformed_trees`; says what it does.

    Raises:
        ValueError: for an option of the corpus that must be given and is not, and for bad input, see
            `ner.corpus.preparation.prepare`.
    """
    from ner.corpus.dependencies import TreePolicy
    from ner.corpus.preparation import prepare

    provider = provider_of(cfg.dependencies)
    conversion = _Progress()
    path = prepare(
        _source(cfg),
        provider,
        root=Path(cfg.prepared_root),
        trees=TreePolicy.of(cfg),
        progress=conversion,
    )
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    if conversion.seen:
        log.info("%s\n%s", summary(manifest), path)
    else:
        log.info("prepared before: %s", path)
    return path


def _source(cfg: DictConfig) -> Source:
    from hydra.utils import instantiate

    missing = sorted(OmegaConf.missing_keys(cfg.corpus))
    if missing:
        raise ValueError(f"this corpus needs {' '.join(f'{option}=...' for option in missing)}")
    check_component("corpus", OmegaConf.to_container(cfg.corpus, resolve=True))
    return cast("Source", instantiate(cfg.corpus, _convert_="all"))


def summary(manifest: Mapping[str, Any]) -> str:
    """The counts of a prepared corpus, beside the published ones where there are any, and what conversion met."""
    from ner.corpus.dependencies import describe
    from ner.corpus.ontonotes import PUBLISHED
    from ner.corpus.preview import overlap_lines, types_table

    columns = ("documents", "sentences", "tokens", "entities")
    lines = [f"{'':<22}" + "".join(f"{column:>12}" for column in columns)]
    for split, counts in manifest["counts"].items():
        lines.append(f"{split:<22}" + "".join(f"{counts[column]:>12,}" for column in columns))
        if manifest["source"]["component"] == "OntonotesSource" and "language" not in manifest["source"]:
            published = asdict(PUBLISHED[split])
            lines.append(f"{'  published':<22}" + "".join(f"{published[column]:>12,}" for column in columns))
    lines += types_table(manifest.get("labels", {}))
    for split, notes in manifest.get("notes", {}).items():
        lines += [f"{split}: {note}" for note in notes]
    sizes = {split: counts["sentences"] for split, counts in manifest["counts"].items()}
    lines += overlap_lines(manifest.get("overlaps", {}), sizes)
    for split, counts in manifest["counts"].items():
        lines += [f"{split}: {line}" for line in describe(Counter(counts["conversion"])).splitlines()]
    return "\n".join(lines)


class _Progress:
    """A bar for each split that is converted."""

    def __init__(self) -> None:
        self.seen = False

    def __call__(self, sentences: Iterator[Sentence], *, split: str, total: int) -> Iterator[Sentence]:
        from tqdm import tqdm

        self.seen = True
        yield from tqdm(sentences, desc=split, total=total, unit=" sentences", mininterval=0.5)


@command("prepare")
def main(cfg: DictConfig) -> None:
    from ner.corpus.dataset import load
    from ner.corpus.dependencies import TreePolicy
    from ner.corpus.preview import preview

    if cfg.dry:
        seen = preview(_source(cfg))
        log.info("%s", seen.text)
        if seen.num_problems:
            raise ValueError(f"{seen.num_problems:,} problems; the first are above")
        return
    prepared = load(prepared_corpus(cfg))
    counts = prepared.manifest["counts"].values()
    if all(split["without_tree"] == split["sentences"] for split in counts):
        log.info("no sentence has a dependency tree: this corpus is for models that use none, such as bilstm_crf")
    else:
        prepared.check_trees(TreePolicy.of(cfg))


if __name__ == "__main__":
    main()
