"""Train a tagger: `python -m ner.train corpus=sample model/interaction=mlp seed=1`."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from ner.configuration import command

if TYPE_CHECKING:
    from ner.corpus.dataset import Prepared
    from ner.corpus.vectors import Vectors
    from ner.training.loop import Epoch, Progress, Step
    from ner.training.run import Run

log = logging.getLogger(__name__)

RESUMABLE = ("resume", "training.epochs", "training.patience", "training.log_every", "prepared", "device", "threads")


@command("train")
def main(cfg: DictConfig) -> float:
    job = HydraConfig.get()
    return train(cfg, Path(job.runtime.output_dir), overrides=job.overrides.task)


def train(cfg: DictConfig, directory: Path, *, overrides: Sequence[str] = ()) -> float:
    """Train as configured, with the run in `directory`, or go on with `cfg.resume`; then score the best epoch.

    Args:
        overrides: what was set on the command line, such as `training.epochs=3`.

    Returns:
        The best validation F1, which a sweep may maximise.

    Raises:
        ValueError: for bad data, and for options that do not fit together or would have no effect.
        KeyboardInterrupt: saying what there is of the run, when training is interrupted.
    """
    import torch

    from ner.corpus.dataset import encode
    from ner.corpus.sampler import LengthBuckets
    from ner.corpus.tags import tags_to_spans
    from ner.model.tagger import Tagger
    from ner.training import loop
    from ner.training.evaluation import Scores, predict_tags, score, score_modes
    from ner.training.predictions_file import predictions_path, write_predictions
    from ner.training.run import Records, choose_device, make_deterministic, set_threads, write_json

    set_threads(cfg.threads)
    device = choose_device(cfg.device)
    make_deterministic(device)
    torch.manual_seed(cfg.seed)
    run, prepared, vectors = _begin(cfg, directory, overrides) if cfg.resume is None else _reopen(cfg, overrides)
    vocabularies, options = run.vocabularies, run.config["training"]
    tagger = run.new_tagger(vectors).to(device)
    optimizer = run.new_optimizer(tagger)
    after = None if cfg.resume is None else run.restore(tagger, optimizer)

    splits = {name: encode(rows, vocabularies) for name, rows in prepared.splits.items()}
    gold = {name: [tags_to_spans(tags) for tags in prepared.splits[name]["tags"]] for name in ("validation", "test")}

    def validate(tagger: Tagger) -> Scores:
        predicted = predict_tags(tagger, splits["validation"], vocabularies)
        return score(gold["validation"], (tags_to_spans(tags, scheme=vocabularies.scheme) for tags in predicted))

    results = loop.train(
        tagger,
        splits["train"],
        sampler=LengthBuckets(
            splits["train"].lengths, options["batch_size"], pool=options["pool"], seed=run.config["seed"]
        ),
        validate=validate,
        optimizer=optimizer,
        schedule=run.schedule(),
        epochs=options["epochs"],
        patience=options["patience"],
        reduction=options["reduction"],
        precision=options["precision"],
        log_every=options["log_every"],
        after=after,
    )
    best = after
    try:
        with Records(run.directory, after=after) as records:
            for result in _with_bar(results, sentences=len(splits["train"]), epochs=options["epochs"]):
                records.write(result)
                if isinstance(result, loop.Epoch):
                    run.save(tagger, optimizer, result)
                    best = result.progress
                    log.info("%s", _summary(result))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_what_is_left(run.directory, best)) from None

    assert best is not None  # at least one epoch is trained
    tagger = run.best_tagger(device)
    predicted = {name: predict_tags(tagger, splits[name], vocabularies) for name in gold}
    for name, tags in predicted.items():
        write_predictions(predictions_path(run.directory, name), prepared.splits[name][:], tags)
    scores = {name: score_modes(gold[name], predicted[name], vocabularies.scheme) for name in gold}
    write_json(
        run.directory / "scores.json",
        {
            "epoch": best.best_epoch,
            **{name: {mode: found.to_dict() for mode, found in modes.items()} for name, modes in scores.items()},
        },
    )
    for name, modes in scores.items():
        log.info("\n%s, epoch %d\n%s", name, best.best_epoch, modes["strict"].table())
    log.info("\nrun: %s", run.directory)
    return best.best_f1


def _begin(cfg: DictConfig, directory: Path, overrides: Sequence[str]) -> tuple[Run, Prepared, Vectors | None]:
    from ner.corpus.dataset import build_vocabularies, count, load
    from ner.corpus.vectors import coverage, read_vectors
    from ner.prepare import prepared_corpus
    from ner.training.run import Run

    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    if cfg.prepared is None:
        path = prepared_corpus(cfg)
    else:
        _refuse(
            (key for key in _keys(overrides) if key.split(".")[0] in ("corpus", "dependencies", "missing_trees")),
            f"prepared={cfg.prepared} is a corpus with its trees",
        )
        path = Path(cfg.prepared)
        config |= {"corpus": None, "dependencies": None}
    prepared = load(path)
    counts = {name: count(rows, "words") for name, rows in prepared.splits.items()}
    vectors = None
    if cfg.vectors is not None:
        vectors = read_vectors(Path(cfg.vectors), set().union(*counts.values()))
        log.info("word vectors for the training split\n%s", coverage(vectors, counts["train"]))
    vocabularies = build_vocabularies(
        prepared,
        vectors=() if vectors is None else vectors,
        min_count=cfg.vocabulary.min_count,
        digits_to_zero=cfg.vocabulary.digits_to_zero,
        scheme=cfg.vocabulary.scheme,
    )
    run = Run.create(
        directory,
        config=config,
        vocabularies=vocabularies,
        formalism=prepared.formalism,
        digest=prepared.digest,
        prepared=path,
    )
    return run, prepared, vectors


def _reopen(cfg: DictConfig, overrides: Sequence[str]) -> tuple[Run, Prepared, None]:
    from ner.corpus.dataset import load
    from ner.training.run import Run

    run = Run.open(cfg.resume)
    keys = _keys(overrides)
    _refuse(
        (key for key in keys if key not in RESUMABLE and not key.startswith("hydra.")),
        f"resume={cfg.resume} keeps the options of the run but for {', '.join(RESUMABLE)}",
    )
    training = dict(run.config["training"])
    training |= {name: cfg.training[name] for name in training if f"training.{name}" in keys}
    if training["epochs"] > run.config["training"]["epochs"] and "constant" not in run.config["schedule"]["_target_"]:
        log.warning("the learning rate goes on as in a training of %d epochs from the start", training["epochs"])
    run = run.with_config({**run.config, "training": training})
    path = Path(cfg.prepared or run.environment["prepared"])
    prepared = load(path, formalism=run.formalism)
    if prepared.digest != run.environment["digest"]:
        raise ValueError(f"{path} is not the corpus that {run.directory} was trained on: its digest differs")
    return run, prepared, None


def _keys(overrides: Iterable[str]) -> list[str]:
    return [override.lstrip("+~").partition("=")[0] for override in overrides]


def _refuse(keys: Iterable[str], reason: str) -> None:
    refused = ", ".join(keys)
    if refused:
        raise ValueError(f"{reason}: {refused} cannot be set")


def _with_bar(results: Iterable[Step | Epoch], *, sentences: int, epochs: int) -> Iterable[Step | Epoch]:
    """Pass the results on, and show a bar for each epoch where the terminal can."""
    from tqdm import tqdm

    from ner.training.loop import Step

    bar: tqdm[Any] | None = None
    try:
        for result in results:
            if isinstance(result, Step):
                if bar is None:
                    title = f"epoch {result.epoch}/{epochs}"
                    bar = tqdm(desc=title, total=sentences, unit=" sentences", leave=False, disable=None)
                bar.set_postfix_str(f"loss {result.loss:.4f}, {result.tokens_per_second:,.0f} tokens/s", refresh=False)
                bar.update(result.sentences - bar.n)
            elif bar is not None:
                bar.close()
                bar = None
            yield result
    finally:
        if bar is not None:
            bar.close()


def _summary(epoch: Epoch) -> str:
    micro = epoch.scores.micro
    return (
        f"epoch {epoch.number:3}  loss {epoch.loss_per_token:.4f}  {epoch.tokens_per_second:,.0f} tokens/s  "
        f"{epoch.seconds:.0f} s  validation P {100 * micro.precision:.2f}  R {100 * micro.recall:.2f}  "
        f"F1 {100 * micro.f1:.2f}{'  best' if epoch.is_best else ''}"
    )


def _what_is_left(directory: Path, progress: Progress | None) -> str:
    if progress is None:
        return f"interrupted before an epoch was finished: {directory} holds no weights"
    return (
        f"interrupted after epoch {progress.epoch}; {directory} holds the best so far, epoch {progress.best_epoch} "
        f"with validation F1 {100 * progress.best_f1:.2f}; resume={directory} goes on"
    )


if __name__ == "__main__":
    main()
