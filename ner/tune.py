"""Search for hyper-parameters on the validation split: `python -m ner.tune space=recipe tune.trials=50`."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict

from ner.command import command, end
from ner.components import menu_choices
from ner.errors import Refused
from ner.overrides import assignment, split
from ner.schemas import INCIDENTAL
from ner.train import fit

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.pruners import BasePruner

    from ner.training.loop import Epoch

log = logging.getLogger(__name__)

PRUNERS = ("median", "hyperband", "none")


@command("tune", interrupted="interrupted: the same command resumes the study")
def main(cfg: DictConfig) -> float:
    job = HydraConfig.get()
    if job.mode != RunMode.RUN:
        end(1, "error: a search is one command: give its choices to a space, not to --multirun or such an experiment")
    if cfg.resume is not None:
        raise ValueError(f"resume={cfg.resume} is for ner.train: a study is resumed by its name, tune.study")
    overrides = [
        override
        for override in job.overrides.task
        if (name := split(override)[0]) != "space" and not name.startswith("tune.")
    ]
    return search(cfg, overrides)


def search(cfg: DictConfig, overrides: Sequence[str]) -> float:
    """Train with `overrides` and what Optuna suggests, until there are enough trials; store the best in `best.json`.

    What an override sets is not searched for. Each trial is a run in a directory of its own, and given up where its
    validation F1 lags behind; the test split is never scored. Interrupted trials are resumed first.

    Returns:
        The best validation F1.

    Raises:
        ValueError: for a wrong space or pruner, where Optuna is missing, for a study that was begun with other options,
            and when no trial was finished.
    """
    given = {split(override)[0]: override for override in overrides}
    space = {name: values for name, values in cfg.tune.space.items() if name not in given}
    if not space:
        raise ValueError(f"all of the space is given: {', '.join(cfg.tune.space)}")
    study, begun = _study(cfg), monotonic()
    _check_same(study, {name: override for name, override in given.items() if name not in INCIDENTAL})
    interrupted = _interrupted(study)
    while interrupted or len(study.trials) < cfg.tune.trials:
        if cfg.tune.hours is not None and monotonic() - begun > 3600 * cfg.tune.hours:
            log.info("%g hours are over", cfg.tune.hours)
            break
        _conduct(study, interrupted.pop(0) if interrupted else study.ask(), space, overrides, Path(cfg.tune.directory))
    return _report_best(study, overrides, Path(cfg.tune.directory))


def suggest(space: Mapping[str, Any], trial: Trial) -> list[str]:
    """What a trial sets of the options of a space, as on the command line.

    Raises:
        ValueError: for an option whose choices or range are not understood.
    """
    return [assignment(name, _suggest(name, values, trial)) for name, values in space.items()]


def _suggest(name: str, values: Any, trial: Trial) -> bool | int | float | str | None:
    if isinstance(values, Sequence) and not isinstance(values, str):
        return cast(bool | int | float | str | None, trial.suggest_categorical(name, tuple(values)))
    if isinstance(values, Mapping) and {"low", "high"} <= values.keys() <= {"low", "high", "step", "log"}:
        low, high, step, is_log = values["low"], values["high"], values.get("step"), values.get("log", False)
        if isinstance(low, int) and isinstance(high, int):
            return trial.suggest_int(name, low, high, step=step or 1, log=is_log)
        return trial.suggest_float(name, low, high, step=step, log=is_log)
    raise ValueError(f"{name} of the space is {values}: give a list of choices, or low and high, and step or log")


def _study(cfg: DictConfig) -> Study:
    """The study of that name, new or resumed."""
    try:
        import optuna
    except ImportError as error:
        raise ValueError("the search needs Optuna: pip install -e '.[tune]' brings it") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    directory = Path(cfg.tune.directory)
    directory.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=cfg.tune.study,
        storage=f"sqlite:///{directory / 'study.db'}",
        direction="maximize",
        pruner=_pruner(cfg),
        load_if_exists=True,
    )
    # another state of the sampler at each start, or it would suggest again what it began with
    study.sampler = optuna.samplers.TPESampler(seed=cfg.tune.seed + len(study.trials))
    return study


def _check_same(study: Study, fixed: Mapping[str, str]) -> None:
    """All trials of a study train with the same options, but for what is searched for."""
    options = sorted(fixed.values())
    known = study.user_attrs.get("options", options)
    if known != options:
        raise ValueError(
            f"the study {study.study_name!r} was begun with {' '.join(known) or 'no options'}, not with "
            f"{' '.join(options) or 'none'}: choose another tune.study"
        )
    study.set_user_attr("options", options)


def _pruner(cfg: DictConfig) -> BasePruner:
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner

    if cfg.tune.pruner == "median":
        return MedianPruner(n_warmup_steps=2)  # epochs count from 1, and the first, of F1 0 often, tells nothing yet
    if cfg.tune.pruner == "hyperband":
        return HyperbandPruner(max_resource=cfg.training.epochs)
    if cfg.tune.pruner == "none":
        return NopPruner()
    raise ValueError(f"unknown tune.pruner {cfg.tune.pruner!r}: choose one of {', '.join(PRUNERS)}")


def _interrupted(study: Study) -> list[Trial]:
    """The trials that nobody told the end of; another process may be at work on some."""
    from optuna import Trial
    from optuna.trial import TrialState

    left = study.get_trials(deepcopy=False, states=[TrialState.RUNNING])
    return [Trial(study, trial._trial_id) for trial in left]


def _conduct(study: Study, trial: Trial, space: Mapping[str, Any], overrides: Sequence[str], parent: Path) -> None:
    """Train for a trial and tell the study what came of it; an interrupted trial can be resumed."""
    from optuna import TrialPruned
    from optuna.trial import TrialState

    from ner.scoring import MEASURES
    from ner.training.run import locked

    def each_epoch(epoch: Epoch) -> None:
        trial.report(epoch.scores.micro.f1, epoch.number)
        if epoch.number < config.training.epochs and trial.should_prune():
            raise TrialPruned

    directory = parent / f"trial-{trial.number:04}"
    try:
        with locked(directory):
            chosen = suggest(space, trial)
            log.info("trial %d: %s", trial.number, " ".join(chosen))
            config, choices = _composed([*overrides, *chosen])
            if (directory / "last.pt").is_file():
                config.resume = str(directory)
            run, _ = fit(config, directory, choices=choices, each_epoch=each_epoch)
            best = run.best_progress()
            study.tell(trial, best.best_f1)
            measure = MEASURES[config.task]
            log.info(
                "trial %d: validation %s %.2f after epoch %d", trial.number, measure, 100 * best.best_f1, best.epoch
            )
    except Refused:
        log.info("trial %d: another process is at work on it", trial.number)
    except TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
        log.info("trial %d: given up", trial.number)
    except FloatingPointError as error:
        study.tell(trial, state=TrialState.FAIL)
        log.info("trial %d: %s", trial.number, error)
    except Exception:
        study.tell(trial, state=TrialState.FAIL)
        raise


def _composed(overrides: Sequence[str]) -> tuple[DictConfig, dict[str, str]]:
    """The configuration of a training, and what it chooses from the menu."""
    config = compose("train", list(overrides), return_hydra_config=True)
    choices = menu_choices(config.hydra.runtime.choices)
    with open_dict(config):
        del config["hydra"]
    return config, choices


def _report_best(study: Study, overrides: Sequence[str], directory: Path) -> float:
    from optuna.trial import TrialState

    from ner.corpus.files import write_json

    finished = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    if not finished:
        raise ValueError(f"no trial of {directory} was finished: there is no best one")
    best = max(finished, key=lambda trial: cast(float, trial.value))
    best_f1 = cast(float, best.value)
    chosen = [assignment(name, value) for name, value in best.params.items()]
    training = shlex.join(["python", "-m", "ner.train", *overrides, *chosen])
    write_json(
        directory / "best.json",
        {"trial": best.number, "validation_f1": best_f1, "options": best.params, "command": training},
    )
    log.info(
        "best of %d trials: %d, with %.2f on validation\n%s", len(study.trials), best.number, 100 * best_f1, training
    )
    return best_f1


if __name__ == "__main__":
    main()
