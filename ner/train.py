"""Train a tagger: `python -m ner.train corpus=sample model/interaction=mlp seed=1`."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from ner.command import command
from ner.components import component, menu_choices
from ner.errors import Refused
from ner.job_records import keep_records
from ner.overrides import pasted, split
from ner.progress import with_progress
from ner.schemas import INCIDENTAL
from ner.sweep import HOW_TO_RESUME, attempt, forget_failure
from ner.training.run_directory import check_plain, is_run

if TYPE_CHECKING:
    import torch

    from ner.corpus.dataset import Prepared
    from ner.corpus.pretrained import Pretrained
    from ner.corpus.vectors import Vectors
    from ner.training.fitting import Fitting
    from ner.training.loop import Epoch, Progress
    from ner.training.run import Run
    from ner.training.workers import Workers

log = logging.getLogger(__name__)

PREPARATION = ("corpus", "dependencies", "malformed_trees")
"""The options that a prepared corpus has no use for."""
RESUMABLE = (
    "resume",
    "training.epochs",
    "training.patience",
    "training.precision",
    "training.log_every",
    "training.other_trees",
    "training.workers",
    "prepared",
    "device",
    "threads",
)
"""The options that may be set with `resume`."""


@command("train", interrupted=f"interrupted: {HOW_TO_RESUME}")
def main(cfg: DictConfig) -> float:
    job = HydraConfig.get()
    directory, overrides = Path(job.runtime.output_dir), job.overrides.task
    choices = menu_choices(job.runtime.choices)
    if job.mode == RunMode.RUN:
        return train_and_score(cfg, directory, overrides=overrides, choices=choices)
    check_plain(directory)
    keep_records(cfg, directory, resumed=is_run(directory))  # of a job that fails too
    try:
        return attempt(lambda: train_unless_done(cfg, directory, overrides=overrides, choices=choices), directory)
    except KeyboardInterrupt as interruption:
        raise KeyboardInterrupt(f"{str(interruption) or 'interrupted'}\n{HOW_TO_RESUME}") from None


def train_unless_done(
    cfg: DictConfig, directory: Path, *, overrides: Sequence[str] = (), choices: Mapping[str, str] | None = None
) -> float:
    """Train as `train_and_score` does, unless that is done already; resume an interrupted run in `directory`.

    Raises:
        ValueError: as `train_and_score`; `Refused` where the run in `directory` has another configuration.
    """
    from ner.training.run import Run

    if cfg.resume is not None or not (directory / "last.pt").is_file():
        return train_and_score(cfg, directory, overrides=overrides, choices=choices)
    run = Run.open(directory)
    if differences := run.differences(_configuration(cfg, overrides), ignore=INCIDENTAL):
        raise Refused(
            f"{directory} holds a run of another configuration ({'; '.join(differences)}): "
            "move it away, or choose another hydra.sweep.dir"
        )
    _check_same_corpus(cfg, run)
    if run.best_f1 is not None:
        log.info("done before, validation %s %.2f: %s", run.measure, 100 * run.best_f1, directory)
        return run.best_f1
    log.info("resuming %s", directory)
    return train_and_score(cast(DictConfig, OmegaConf.merge(cfg, {"resume": str(directory)})), directory)


def _check_same_corpus(cfg: DictConfig, run: Run) -> None:
    """Refuse to count a run of another corpus as the one that is configured, or to resume it as such."""
    from ner.corpus.dataset import load
    from ner.prepare import prepared_corpus

    path = prepared_corpus(cfg) if cfg.prepared is None else Path(cfg.prepared)
    if (digest := load(path).digest) != run.environment["digest"]:
        raise Refused(
            f"{run.directory} holds a run of another corpus (digest {run.environment['digest'][:10]}, that of {path} "
            f"is {digest[:10]}): move it away, or choose another hydra.sweep.dir"
        )
    if cfg.training.other_trees is not None:
        _check_other_trees(load(Path(cfg.training.other_trees)), run)


def train_and_score(
    cfg: DictConfig, directory: Path, *, overrides: Sequence[str] = (), choices: Mapping[str, str] | None = None
) -> float:
    """Train as configured, with the run in `directory`, or resume `cfg.resume`; then score the best epoch.

    Args:
        overrides: what was set on the command line, such as `training.epochs=3`.
        choices: the option of the menu in each group, to be kept in the run; see `ner.components.menu_choices`.

    Returns:
        The best validation F1, which a sweep may maximise.

    Raises:
        ValueError: for bad data, and for options that do not fit together or would have no effect; `Refused` when
            another process is training the run.
        KeyboardInterrupt: saying what there is of the run, when training is interrupted.
    """
    from ner.training.run import Run, choose_device, locked
    from ner.training.workers import gathered, number_under_torchrun, rank_under_torchrun

    if (number := number_under_torchrun()) is not None:
        if cfg.training.workers not in (1, number):
            raise ValueError(f"training.workers={cfg.training.workers}, but torchrun has started {number}")
        cfg.training.workers = number
    resumed = None if cfg.resume is None else _with_new_options(Run.open(cfg.resume), cfg, overrides)
    best_f1 = resumed.best_f1 if resumed is not None and resumed.best_f1 is not None and resumed.is_over() else None
    if number is not None and rank_under_torchrun():
        if best_f1 is None:
            with gathered(number, _follow) as workers:
                _follow(workers, cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True)))
        return math.nan  # the first one knows
    with locked(directory if resumed is None else resumed.directory):
        if resumed is not None and best_f1 is not None:
            choose_device(cfg.device)
            if cfg.prepared is not None or cfg.training.other_trees is not None:
                _reopen(cfg, overrides)  # for its checks
            log.info("finished before, validation %s %.2f: %s", resumed.measure, 100 * best_f1, resumed.directory)
            log.info("training.epochs=... and training.patience=... let it train on")
            return best_f1
        run, prepared = fit(cfg, directory, overrides=overrides, choices=choices)
        return _score_best(run, prepared, choose_device(cfg.device))


def fit(
    cfg: DictConfig,
    directory: Path,
    *,
    overrides: Sequence[str] = (),
    choices: Mapping[str, str] | None = None,
    each_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> tuple[Run, Prepared]:
    """Train as `train_and_score` does, but leave the test split alone; give the run and the corpus.

    Args:
        each_epoch: is shown what an epoch came to, once that is kept; what it raises ends the training.
    """
    from ner.training import loop
    from ner.training.records import Records
    from ner.training.workers import WorkerLost, gathered

    fitting, prepared, other = ready(cfg, directory, overrides=overrides, choices=choices)
    run, is_resumed = fitting.run, cfg.resume is not None
    options, progress = run.config["training"], fitting.after
    try:
        with gathered(options["workers"], _follow, OmegaConf.to_container(cfg, resolve=True)) as workers:
            workers.from_first((run, prepared.path, None if other is None else other.path))
            results = fitting.results(workers)
            run.begin()  # the first thing that is written: nothing is refused any more
            keep_records(cfg, run.directory, resumed=is_resumed)
            with Records(run.directory, config=run.config, after=fitting.after) as records:
                for result in with_progress(results, sentences=len(fitting.split), epochs=options["epochs"]):
                    records.write(result)
                    if isinstance(result, loop.Epoch):
                        fitting.keep(result, workers)
                        progress = result.progress
                        log.info("%s", _summary(result))
                        each_epoch(result)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted {_what_is_left(run, progress)}") from None
    except (FloatingPointError, WorkerLost) as error:
        raise type(error)(f"{error}; stopped {_what_is_left(run, progress)}") from error
    return run, prepared


def ready(
    cfg: DictConfig, directory: Path, *, overrides: Sequence[str] = (), choices: Mapping[str, str] | None = None
) -> tuple[Fitting, Prepared, Prepared | None]:
    """A training that is ready to go, with its corpus and that of other trees: all that can be refused is refused here.

    Of the run nothing is written yet, but for the encoder of contextual vectors.

    Raises:
        ValueError: as `train_and_score`.
    """
    from ner.training.fitting import Fitting
    from ner.training.run import choose_device

    choose_device(cfg.device)  # before the work
    if cfg.resume is None:
        run, prepared, other, vectors = begin(cfg, directory, overrides, choices)
    else:
        run, prepared, other, vectors = _reopen(cfg, overrides)
    device = _set_up(cfg, run.config["training"]["workers"])
    is_resumed = cfg.resume is not None
    fitting = Fitting(run, prepared, other=other, vectors=vectors, device=device, is_resumed=is_resumed)
    return fitting, prepared, other


def _set_up(cfg: DictConfig, number: int, rank: int = 0) -> torch.device:
    """Threads, device, and random draws of one of so many workers."""
    import torch

    from ner.threads import share_threads
    from ner.training.run import choose_device, make_deterministic
    from ner.training.workers import local_rank

    share_threads(1 if cfg.threads is None and number > 1 else cfg.threads)
    device = choose_device(cfg.device)
    if device.type == "cuda" and number > 1:
        if (devices := torch.cuda.device_count()) <= local_rank(rank):
            raise ValueError(f"worker {rank} needs a CUDA device of its own, but there are {devices} here")
        device = torch.device("cuda", local_rank(rank))
        torch.cuda.set_device(device)
    make_deterministic(device)
    torch.manual_seed(cfg.seed)
    return device


def _follow(workers: Workers, config: Mapping[str, Any]) -> None:
    """Take part in a training as one of its further workers."""
    from ner.corpus.dataset import load
    from ner.training import loop
    from ner.training.fitting import Fitting

    cfg = OmegaConf.create(dict(config))
    run, path, other = workers.from_first(cast("tuple[Run, Path, Path | None]", None))
    share = run.config["training"]["share"]
    device = _set_up(cfg, workers.number, workers.rank)
    fitting = Fitting(
        run,
        load(path).with_training_share(share),
        other=None if other is None else load(other).with_training_share(share),
        device=device,
        is_resumed=cfg.resume is not None,
        rank=workers.rank,
    )
    for result in fitting.results(workers):
        if isinstance(result, loop.Epoch):
            fitting.keep(result, workers)


def _score_best(run: Run, prepared: Prepared, device: torch.device) -> float:
    """Write the predictions and scores of the best epoch, by which a run is known to be finished."""
    from ner.analysis.confusion import confusion_picture
    from ner.corpus.files import write_json
    from ner.corpus.tags import tags_to_spans
    from ner.scoring import score_modes
    from ner.training.calibration import calibrate
    from ner.training.decoding import predict_tags
    from ner.training.predictions_file import predictions_path, write_predictions
    from ner.training.records import record_end

    best, tagger = run.best_progress(), run.best_tagger(device)
    scores, pictures = {}, {}
    for name in prepared.splits:
        if name == "train":
            continue
        columns = prepared.splits[name][:]
        encoded = run.encode(prepared, name, tagger)
        predicted = predict_tags(tagger, encoded, run.vocabularies)
        write_predictions(predictions_path(run.directory, name), columns, predicted)
        gold = [tags_to_spans(tags) for tags in columns["tags"]]
        scores[name] = score_modes(gold, predicted, run.vocabularies.scheme, task=run.vocabularies.task)
        if name == "validation":
            calibration = calibrate(tagger, encoded, gold, run.vocabularies)
            write_json(run.directory / "calibration.json", calibration.to_dict())
        found = [tags_to_spans(tags, scheme=run.vocabularies.scheme) for tags in predicted]
        pictures[f"{name}_confusion"] = confusion_picture(gold, found, split=name)
    record_end(run.directory, {name: modes["strict"] for name, modes in scores.items()}, pictures, step=best.step)
    write_json(
        run.directory / "scores.json",
        {
            "epoch": best.epoch,
            **{name: {mode: found.to_dict() for mode, found in modes.items()} for name, modes in scores.items()},
        },
    )
    forget_failure(run.directory)
    for name, modes in scores.items():
        log.info("\n%s, epoch %d\n%s", name, best.epoch, modes["strict"].table())
    log.info("\n%s", calibration.summary())
    log.info("\nrun: %s", run.directory)
    return best.best_f1


def begin(
    cfg: DictConfig, directory: Path, overrides: Sequence[str], choices: Mapping[str, str] | None = None
) -> tuple[Run, Prepared, Prepared | None, Vectors | None]:
    """The run of a configuration, of which nothing is written yet, its corpus, the one of other trees, and vectors."""
    from ner.corpus.dataset import build_vocabularies, count, load, with_features
    from ner.corpus.vectors import coverage, read_vectors
    from ner.prepare import prepared_corpus
    from ner.training.run import Run, check_unused

    check_unused(directory)
    config = check_training(cfg, overrides)
    transformer: Any = None
    features: Any = None
    encoder: Pretrained | None = None
    if config["model"].get("contextual") is not None:
        transformer = component(config["model"]["contextual"], "ner.model.contextual")
        encoder = transformer.find()
    if config["model"].get("templates") is not None:
        features = component(config["model"]["templates"], "ner.model.feature_crf")
        templates, gazetteer = features.templates(), features.names()
    path = prepared_corpus(cfg) if cfg.prepared is None else Path(cfg.prepared)
    prepared = load(path)
    other = _other_trees(cfg.training, prepared)
    prepared = prepared.with_training_share(cfg.training.share)
    counts = {name: count(rows, "words") for name, rows in prepared.splits.items()}
    vectors = None
    if cfg.vectors is not None:
        vectors = read_vectors(Path(cfg.vectors), set().union(*counts.values()), cache=Path(cfg.prepared_root))
        log.info("%s", vectors.summary())
        for name, words in counts.items():
            log.info("word vectors for the %s split\n%s", name, coverage(vectors, words))
    vocabularies = build_vocabularies(
        prepared,
        vectors=() if vectors is None else vectors,
        min_count=cfg.vocabulary.min_count,
        digits_to_zero=cfg.vocabulary.digits_to_zero,
        scheme=cfg.vocabulary.scheme,
        other_trees=other,
        task=cfg.task,
    )
    if encoder is not None:
        vocabularies = replace(vocabularies, cutter=transformer.cutter(encoder.folder))
    if features is not None:
        vocabularies = with_features(
            vocabularies, prepared, templates, min_count=features.min_count, gazetteer=gazetteer
        )
    run = Run.create(
        directory,
        config=config,
        vocabularies=vocabularies,
        formalism=prepared.formalism,
        trees=prepared.trees,
        digest=prepared.digest,
        prepared=path,
        other_trees=other,
        choices=choices,
        encoder=encoder,
    )
    return run, prepared, other, vectors


def check_training(cfg: DictConfig, overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration of a training, once all is checked that can be before its corpus is prepared and read.

    Raises:
        ValueError: naming the first option that may not be what it is, or that has no effect.
    """
    from ner.corpus.dataset import load
    from ner.training.run import check_options

    if missing := sorted(OmegaConf.missing_keys(cfg.model)):
        raise ValueError(f"this model needs {' '.join(f'{option}=...' for option in missing)}")
    config = _configuration(cfg, overrides)
    check_options(config)
    if cfg.vectors is not None and not Path(cfg.vectors).is_file():
        raise ValueError(f"vectors={cfg.vectors}: no such file")
    if config["training"]["share"] < 1 and (config["model"].get("contextual") or {}).get("context"):
        raise ValueError("training.share takes sentences away from their documents: set model.contextual.context=0")
    names = [name for name, _ in map(split, overrides)]
    if cfg.prepared is not None:
        _refuse(
            (name for name in names if name.split(".")[0] in PREPARATION),
            f"prepared={cfg.prepared} is a corpus with its trees",
        )
    if cfg.training.other_trees is None:
        _refuse((name for name in names if name == "training.other_share"), "training.other_trees is null")
    else:
        load(Path(cfg.training.other_trees))
    return config


def _with_new_options(run: Run, cfg: DictConfig, overrides: Sequence[str]) -> Run:
    """A run that is resumed, with those of its options that may be set anew."""
    from ner.training.workers import number_under_torchrun

    keys = [key for key, _ in map(split, overrides)]
    _refuse(
        (key for key in keys if key not in RESUMABLE and not key.startswith("hydra.")),
        f"resume={cfg.resume} keeps the options of the run but for {', '.join(RESUMABLE)}",
    )
    training = dict(run.config["training"])
    training |= {name: cfg.training[name] for name in training if f"training.{name}" in keys}
    training["workers"] = number_under_torchrun() or training["workers"]
    return replace(run, config={**run.config, "training": training})


def _reopen(cfg: DictConfig, overrides: Sequence[str]) -> tuple[Run, Prepared, Prepared | None, None]:
    from ner.corpus.dataset import load
    from ner.training.run import Run

    before = Run.open(cfg.resume)
    run = _with_new_options(before, cfg, overrides)
    training, epochs = run.config["training"], before.config["training"]["epochs"]
    if before.best_f1 is None and training["epochs"] < (done := before.num_epochs_done()):
        raise ValueError(f"training.epochs={training['epochs']}, but {done} epochs of {run.directory} are done")
    if training["epochs"] != epochs and "constant" not in run.config["schedule"]["_target_"]:
        log.warning("the learning rate continues as in a training of %d epochs from the start", training["epochs"])
    path = Path(cfg.prepared or run.environment["prepared"])
    prepared = load(path, formalism=run.formalism)
    if prepared.digest != run.environment["digest"]:
        raise ValueError(f"{path} is not the corpus that {run.directory} was trained on: its digest differs")
    other = _other_trees(training, prepared)
    _check_other_trees(other, run)
    return run, prepared.with_training_share(training["share"]), other, None


def _other_trees(training: Mapping[str, Any], prepared: Prepared) -> Prepared | None:
    """The corpus of `training.other_trees`, with as much of its training sentences as are trained on."""
    from ner.corpus.dataset import load
    from ner.corpus.mixture import check_same_sentences

    if (path := training["other_trees"]) is None:
        return None
    other = load(Path(path), formalism=prepared.formalism)
    try:
        check_same_sentences(prepared.splits["train"], other.splits["train"])
    except ValueError as error:
        raise ValueError(f"training.other_trees={path} holds other sentences than {prepared.path}: {error}") from error
    return other.with_training_share(training["share"])


def _check_other_trees(other: Prepared | None, run: Run) -> None:
    if (None if other is None else other.digest) != run.other_digest:
        raise Refused(f"training.other_trees is not what {run.directory} was trained with: its digest differs")


def _configuration(cfg: DictConfig, overrides: Sequence[str]) -> dict[str, Any]:
    """What is kept of the configuration in the run: all of it but what a prepared corpus has no use for.

    Word vectors set `model.word_size`.

    Raises:
        ValueError: where `model.word_size` was set to something else than the width of the vectors, and for a model
            that reads none.
    """
    from ner.corpus.vector_files import vector_width

    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    if cfg.vectors is not None and "word_size" not in config["model"]:
        raise ValueError(f"vectors={cfg.vectors} has no effect: this model reads no word vectors")
    if cfg.vectors is not None and Path(cfg.vectors).is_file():
        width = vector_width(Path(cfg.vectors))
        if "model.word_size" in (key for key, _ in map(split, overrides)) and cfg.model.word_size != width:
            raise ValueError(
                f"model.word_size={cfg.model.word_size}, but the vectors in {cfg.vectors} have {width} numbers: "
                "leave model.word_size out"
            )
        config["model"]["word_size"] = width
    return config if cfg.prepared is None else {**config, "corpus": None, "dependencies": None}


def _refuse(keys: Iterable[str], reason: str) -> None:
    refused = ", ".join(keys)
    if refused:
        raise ValueError(f"{reason}: {refused} cannot be set")


def _summary(epoch: Epoch) -> str:
    unaveraged = epoch.scores_unaveraged
    return (
        f"epoch {epoch.number:3}  loss {epoch.loss_per_token:.4f}  {epoch.tokens_per_second:,.0f} tokens/s  "
        f"{epoch.seconds:.0f} s  validation {epoch.scores.headline()}"
        + ("" if unaveraged is None else f" (unaveraged {100 * unaveraged.micro.f1:.2f})")
        + ("  best" if epoch.is_best else "")
    )


def _what_is_left(run: Run, progress: Progress | None) -> str:
    directory = run.directory
    if progress is None:
        return f"before an epoch was finished: {directory} holds no weights"
    return (
        f"after epoch {progress.epoch}; {directory} holds the best so far, epoch {progress.best_epoch} "
        f"with validation {run.measure} {100 * progress.best_f1:.2f}; {pasted('resume', directory)} resumes it"
    )


if __name__ == "__main__":
    main()
