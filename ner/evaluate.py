"""Score a run on a split or on files: `python -m ner.evaluate run=RUN split=test`."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from ner.command import command
from ner.corpus.files import sha256
from ner.overrides import pasted
from ner.training.run_directory import check_run

if TYPE_CHECKING:
    from ner.corpus.dataset import EncodedSplit
    from ner.model.tagger import Tagger
    from ner.training.run import Run

log = logging.getLogger(__name__)


COUNTED_BY = {"conlleval": "conlleval", "released": "the code released with the paper"}
"""Who counts the entities as a mode other than strict does."""


@command("evaluate")
def main(cfg: DictConfig) -> float:
    """Write the scores and predictions of a run; return the micro F1 of the strict mode.

    Results of its own splits are named for the split; those of other corpora and files for these and their digest;
    those of another precision for that, too, since the report reads what was predicted in float32.
    """
    check_run(cfg.run)  # before what is slow to import
    from ner.corpus.files import check_directory, write_json
    from ner.corpus.tags import tags_to_spans
    from ner.precision import choose_precision
    from ner.scoring import score_modes
    from ner.threads import share_threads
    from ner.training.decoding import predict_tags
    from ner.training.predictions_file import predictions_path, write_predictions
    from ner.training.run import Run, choose_device

    share_threads(cfg.threads)
    directory = Path(cfg.run if cfg.output is None else cfg.output)
    check_directory(directory)
    run, device = Run.open(cfg.run), choose_device(cfg.device)
    precision = choose_precision(cfg.precision, device)
    tagger = run.best_tagger(device)
    tagger.precision = precision
    name, columns, split = _sentences(cfg, run, tagger)
    if precision != "float32":
        name = f"{name}-{precision}"
    predicted = predict_tags(tagger, split, run.vocabularies, batch_tokens=cfg.batch_tokens)
    gold = [tags_to_spans(tags) for tags in columns["tags"]]
    scores = score_modes(gold, predicted, run.vocabularies.scheme, task=run.vocabularies.task)

    directory.mkdir(parents=True, exist_ok=True)
    counts = {
        "epoch": run.best_progress().epoch,
        "sentences": len(predicted),
        "tokens": sum(map(len, predicted)),
        "formalism": run.formalism,
    }
    write_json(
        directory / f"scores-{name}.json",
        {**counts, **{mode: result.to_dict() for mode, result in scores.items()}},
    )
    path = predictions_path(directory, name)
    write_predictions(path, columns, predicted)
    log.info("%s of %s: %d sentences, %d tokens\n", name, run.directory, counts["sentences"], counts["tokens"])
    log.info("%s\n", scores["strict"].table())
    for mode, counted_by in COUNTED_BY.items():
        if mode in scores:
            micro = scores[mode].micro
            log.info(
                "as %s counts: precision %.2f, recall %.2f, F1 %.2f",
                counted_by,
                *(100 * ratio for ratio in (micro.precision, micro.recall, micro.f1)),
            )
    log.info("%s", directory / f"scores-{name}.json")
    log.info("%s", path)
    return scores["strict"].micro.f1


def _sentences(cfg: DictConfig, run: Run, tagger: Tagger) -> tuple[str, Mapping[str, Sequence[Any]], EncodedSplit]:
    """A name for what is scored, its columns, and the same encoded."""
    from ner.components import provider_of
    from ner.corpus.dataset import encode, load
    from ner.corpus.dependencies import TreePolicy
    from ner.corpus.format import raise_first
    from ner.corpus.rows import to_table
    from ner.corpus.source import check_split
    from ner.corpus.targets import with_polarities
    from ner.training.prediction import format_of_run, tree_provider, with_labels_of_run

    policy = TreePolicy.of(cfg, uses_trees=tagger.uses_trees)
    if cfg.files is not None:
        if cfg.prepared is not None:
            raise ValueError("files and prepared are two things to score: give one of them")
        path = Path(cfg.files)
        file_format = format_of_run(path, run)
        provider = tree_provider(path, file_format, run, provider_of(cfg.dependencies), uses_trees=tagger.uses_trees)
        found = file_format.read_path(path)
        if run.vocabularies.task == "sentiment":
            found = raise_first(with_polarities(found))
        sentences = list(provider.attach(policy.read(with_labels_of_run(found, run))))
        if not sentences:
            raise ValueError(f"{path}: there is no sentence in it")
        if not any(sentence.spans for sentence in sentences):
            where = file_format.entities_in(file_format.find(path)[0])
            log.warning("%s: no entity to score by; how tags are looked for: %s", path, where)
        columns = to_table(sentences).to_pydict()
        return _name(path.resolve().stem, _digest(path)), columns, encode(sentences, run.vocabularies, trees=policy)
    if cfg.dependencies is not None:
        raise ValueError("dependencies are for files: a prepared corpus has its trees")
    check_split(cfg.split)
    path = Path(run.environment["prepared"] if cfg.prepared is None else cfg.prepared)
    prepared = load(path, formalism=run.formalism)
    if cfg.prepared is None:
        if prepared.digest != run.environment["digest"]:
            anyway = pasted("prepared", path)
            raise ValueError(f"{path} is no longer the corpus that the run was trained on; {anyway} scores it still")
        prepared = prepared.with_training_share(run.config["training"]["share"])
    if cfg.split not in prepared.splits:
        raise ValueError(
            f"{path} has no {cfg.split} split, only {' and '.join(prepared.splits)}; files=PATH scores files"
        )
    columns = prepared.splits[cfg.split][:]
    if cfg.prepared is None:
        return cfg.split, columns, run.encode(prepared, cfg.split, tagger)
    return (
        f"{_name(path.resolve().name, prepared.digest)}-{cfg.split}",
        columns,
        run.encode(prepared, cfg.split, tagger, trees=policy),
    )


def _name(stem: str, digest: str) -> str:
    """What results are called that are not the run's own, so that they never take the place of these or of others."""
    readable = re.sub(r"[^\w.+-]+", "_", stem)[:80]
    return readable if readable.endswith(digest[:10]) else f"{readable}-{digest[:10]}"


def _digest(path: Path) -> str:
    """Of a file, or of the names and contents of all files below a directory."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return hashlib.sha256("".join(f"{sha256(file)} {file.name}\n" for file in files).encode()).hexdigest()


if __name__ == "__main__":
    main()
