"""Search for hyper-parameters on the validation split: `python -m ner.tune space=recipe tune.trials=50`."""

from __future__ import annotations

import logging
import shlex
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from importlib.util import find_spec
from itertools import starmap
from math import isfinite
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict

from ner.command import command, end
from ner.components import menu_choices
from ner.corpus.files import check_directory, check_replaceable
from ner.errors import Refused
from ner.overrides import assignment, split
from ner.schemas import INCIDENTAL
from ner.stored import first_line, is_name, shortened
from ner.train import check_training, fit, ready
from ner.training.run_directory import is_run

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.pruners import BasePruner

    from ner.training.loop import Epoch

log = logging.getLogger(__name__)

Plain = bool | int | float | str | None
PRUNERS = ("median", "hyperband", "none")


class OneCommand(Callback):
    """Refuses a search of several jobs before Hydra writes anything for them."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        end(1, "error: a search is one command: give its choices to a space, not to --multirun or such an experiment")


@command("tune", interrupted="interrupted: the same command resumes the study")
def main(cfg: DictConfig) -> float:
    if cfg.resume is not None:
        raise ValueError(f"resume={cfg.resume} is for ner.train: a study is resumed by its name, tune.study")
    overrides = [
        override
        for override in HydraConfig.get().overrides.task
        if (name := split(override)[0]) != "space" and not name.startswith("tune.")
    ]
    return search(cfg, overrides)


def search(cfg: DictConfig, overrides: Sequence[str]) -> float:
    """Train with `overrides` and what Optuna suggests, until there are enough trials; store the best in `best.json`.

    What an override sets is not searched for. Each trial is a run in a directory of its own, and given up where its
    validation F1 lags behind; the test split is never scored. Interrupted trials are resumed first. Nothing is written
    before a training with the first choices of the space is ready to go, and the options are checked with every other.

    Returns:
        The best validation F1.

    Raises:
        ValueError: for a wrong space, where Optuna is missing, for a study that was begun with other options, for what
            a training refuses, and when no trial was finished.
    """
    given = {split(override)[0]: override for override in overrides}
    stated: dict[str, Any] = cast(dict[str, Any], OmegaConf.to_container(cfg.tune.space, resolve=True))
    space = {name: values for name, values in stated.items() if name not in given}
    if not space:
        raise ValueError(f"all of the space is given: {', '.join(stated)}")
    check_space(space)
    directory, begun = Path(cfg.tune.directory), monotonic()
    with _storage_of(cfg) as (storage, is_there):
        fixed = sorted(override for name, override in given.items() if name not in INCIDENTAL)
        if is_there:
            _check_same(storage, cfg.tune.study, fixed)
        _check_trainings(space, overrides)
        study = _study(cfg, storage, fixed)
        interrupted = _interrupted(study)
        while interrupted or len(study.trials) < cfg.tune.trials:
            _conduct(study, interrupted.pop(0) if interrupted else study.ask(), space, overrides, directory)
            if cfg.tune.hours is not None and monotonic() - begun > 3600 * cfg.tune.hours:
                log.info("%g hours are over", cfg.tune.hours)
                break
        return _report_best(study, overrides, directory)


def check_space(space: Mapping[str, Any]) -> None:
    """Refuse a space that is none, whatever its options are.

    Raises:
        ValueError: naming the first of its options that is wrong, what it is and what it may be.
    """
    for name, values in space.items():
        option = f"tune.space.{name}"
        if name in INCIDENTAL or name.partition(".")[0] in ("hydra", "tune"):
            raise ValueError(f"{option} is no option to search: it changes nothing of what comes of a training")
        if not _is_choice(values) and not _is_range(values):
            raise ValueError(
                f"{option} is {shortened(str(values))}: it must be a list of choices, or low and a high that is not "
                "below it, and with them step (above 0, and whole where these are) or log (true, where low is above 0)"
            )


def _is_choice(values: Any) -> bool:
    return isinstance(values, list) and bool(values) and all(isinstance(value, Plain) for value in values)


def _is_range(values: Any) -> bool:
    if not isinstance(values, Mapping) or not {"low", "high"} <= values.keys() <= {"low", "high", "step", "log"}:
        return False
    low, high, step, is_log = values["low"], values["high"], values.get("step"), values.get("log", False)
    numbers = [low, high, *([] if step is None else [step])]
    if not all(isinstance(one, int | float) and not isinstance(one, bool) and isfinite(one) for one in numbers):
        return False
    is_whole = isinstance(low, int) and isinstance(high, int)
    has_step = step is None or (step > 0 and not is_log and (not is_whole or isinstance(step, int)))
    return low <= high and has_step and isinstance(is_log, bool) and (not is_log or low > 0)


def suggest(space: Mapping[str, Any], trial: Trial) -> list[str]:
    """What a trial sets of the options of a space, as on the command line.

    Raises:
        ValueError: for an option whose choices or range are not understood.
    """
    return [assignment(name, _suggest(name, values, trial)) for name, values in space.items()]


def _suggest(name: str, values: Any, trial: Trial) -> Plain:
    if not isinstance(values, Mapping):
        return cast(Plain, trial.suggest_categorical(name, tuple(values)))
    low, high, step, is_log = values["low"], values["high"], values.get("step"), values.get("log", False)
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high, step=step or 1, log=is_log)
    return trial.suggest_float(name, low, high, step=step, log=is_log)


def _check_trainings(space: Mapping[str, Any], overrides: Sequence[str]) -> None:
    """Make a training with the first choices ready, and check the options with each other choice, one at a time."""
    first = {name: _ends(values)[0] for name, values in space.items()}
    for name, values in space.items():
        for value in _ends(values)[1:]:
            config, _ = _composed([*overrides, *starmap(assignment, {**first, name: value}.items())])
            check_training(config, overrides)
    config, choices = _composed([*overrides, *starmap(assignment, first.items())])
    with tempfile.TemporaryDirectory() as scratch:
        ready(config, Path(scratch), overrides=overrides, choices=choices)


def _ends(values: Any) -> list[Plain]:
    """The choices, or the ends of a range."""
    if isinstance(values, list):
        return values
    low, high, step = values["low"], values["high"], values.get("step")
    return [low, high if step is None else low + (high - low) // step * step]


@contextmanager
def _storage_of(cfg: DictConfig) -> Iterator[tuple[str, bool]]:
    """Where Optuna keeps the study, and whether it does so already; what goes wrong there is told in a line.

    Raises:
        ValueError: where Optuna is missing, for a name or a directory that can be none of a study, and for a damaged
            file.
    """
    if find_spec("optuna") is None:
        raise ValueError("the search needs Optuna: pip install -e '.[tune]' brings it")
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    if not is_name(cfg.tune.study):
        raise ValueError(f"tune.study is {cfg.tune.study!r}: it must be letters, digits, - and _, at most 64")
    directory = Path(cfg.tune.directory)
    if is_run(directory):
        raise ValueError(f"tune.directory={directory} holds a run: choose another")
    if "?" in str(directory):
        raise ValueError(f"tune.directory={directory} holds a ?, which names no file to Optuna: choose another")
    check_directory(directory)
    path = directory / "study.db"
    check_replaceable(path)
    _check_database(path)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield f"sqlite:///{path}", path.is_file()
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        reason = error.__cause__ or error
        raise ValueError(f"{path}: no study can be kept there ({first_line(str(reason))})") from error


def _check_database(path: Path) -> None:
    """Refuse a database of others, to which Optuna would add its own tables."""
    if path.is_file() and path.stat().st_size:
        try:
            with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as database:
                tables = {name for (name,) in database.execute("select name from sqlite_master where type = 'table'")}
        except sqlite3.Error as error:
            raise ValueError(f"{path}: no study can be kept there ({error})") from None
        if tables and "version_info" not in tables:
            raise ValueError(f"{path} is a database of something else: choose another tune.directory")


def _check_same(storage: str, name: str, fixed: Sequence[str]) -> None:
    """All trials of a study train with the same options, but for what is searched for."""
    import optuna

    if name not in optuna.get_all_study_names(storage):
        return
    known = optuna.load_study(study_name=name, storage=storage).user_attrs.get("options", fixed)
    if known != fixed:
        raise ValueError(
            f"the study {name!r} was begun with {' '.join(known) or 'no options'}, not with "
            f"{' '.join(fixed) or 'none'}: choose another tune.study"
        )


def _study(cfg: DictConfig, storage: str, fixed: Sequence[str]) -> Study:
    """The study of that name, new or resumed."""
    import optuna

    Path(cfg.tune.directory).mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=cfg.tune.study, storage=storage, direction="maximize", pruner=_pruner(cfg), load_if_exists=True
    )
    # another state of the sampler at each start, or it would suggest again what it began with
    study.sampler = optuna.samplers.TPESampler(seed=(cfg.tune.seed + len(study.trials)) % 2**32)
    study.set_user_attr("options", fixed)
    return study


def _pruner(cfg: DictConfig) -> BasePruner:
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner

    if cfg.tune.pruner == "median":
        return MedianPruner(n_warmup_steps=2)  # epochs count from 1, and the first, of F1 0 often, tells nothing yet
    if cfg.tune.pruner == "hyperband":
        return HyperbandPruner(max_resource=cfg.training.epochs)
    return NopPruner()


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
    except OSError:  # of a full disk, say, which is not the trial's fault: the next start resumes it
        raise
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
