"""A run is a directory that holds a trained tagger whole: using it needs no training data."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import torch
from filelock import FileLock, Timeout
from omegaconf import MISSING, OmegaConf

import ner
from ner.compatibility import completed
from ner.components import check_components, component
from ner.corpus.dataset import EncodedSplit, Prepared, encode
from ner.corpus.dependencies import TreePolicy
from ner.corpus.files import (
    absent_directories,
    check_replaceable,
    remove_empty,
    remove_strays,
    replacing,
    sha256,
    write_json,
)
from ner.corpus.pretrained import Pretrained
from ner.corpus.vectors import Vectors
from ner.corpus.vocabulary import Vocabularies, build
from ner.errors import Refused
from ner.model.size import shapes_only
from ner.model.tagger import Tagger
from ner.options import check_command, check_component
from ner.overrides import pasted
from ner.schemas import Train, Training, Vocabulary, flattened
from ner.scoring import MEASURES
from ner.stored import name as name_field
from ner.stored import number, read_json, read_yaml, string
from ner.training.average import Average
from ner.training.contextual import with_layers
from ner.training.encoder_folder import FOLDER, EncoderFolder
from ner.training.loop import Epoch, Progress, is_over
from ner.training.optimizer import Optimizer
from ner.training.run_directory import check_plain, check_run, is_run
from ner.training.schedule import Schedule
from ner.training.sealed import load_sealed, save_sealed
from ner.training.weights import check_size, check_weights, progress_of, put_back

DEVICES = ("auto", "cpu", "cuda")
SECTIONS = frozenset({"model", "optimizer", "schedule", "training", "seed"})
COMPONENTS = {
    "corpus": "ner.corpus",
    "dependencies": "ner.corpus",
    "model": "ner.model",
    "optimizer": "ner.training.optimizer",
    "schedule": "ner.training.schedule",
}


RandomState = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training and its results. The `directory` holds:

    * `config.yaml` (resolved), `vocabularies.json`, and `environment.json` (versions, seed, and of the prepared
      corpus the formalism, the digest and the fingerprint of its trees; of `training.other_trees` the last two);
    * `best.pt`, the weights after the epoch with the best validation F1, and `last.pt`, all that resuming after the
      last epoch needs;
    * `metrics.jsonl` and TensorBoard's events;
    * `encoder`, for contextual vectors: see `EncoderFolder`;
    * at the end `predictions-validation.conll`, `predictions-test.conll`, `calibration.json` and, written last,
      `scores.json`: a run that has it is finished.
    """

    directory: Path
    config: Mapping[str, Any]
    vocabularies: Vocabularies
    environment: Mapping[str, Any]

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        config: Mapping[str, Any],
        vocabularies: Vocabularies,
        formalism: str,
        trees: Mapping[str, Any],
        digest: str,
        prepared: Path,
        other_trees: Prepared | None = None,
        choices: Mapping[str, str] | None = None,
        encoder: Pretrained | None = None,
    ) -> Run:
        """A new run, of which nothing is written before it begins (`begin`).

        Its directory may hold logs and a run of which no epoch was finished.

        Args:
            other_trees: the corpus of `training.other_trees`.
            choices: the option of the menu in each group, see `ner.components.menu_choices`.
            encoder: that of the contextual vectors, if any, for which the vocabularies have a cutter.

        Raises:
            ValueError: where another run is there already.
        """
        check_unused(directory)
        environment = {
            "formalism": formalism,
            "trees": dict(trees),
            "digest": digest,
            "prepared": str(prepared.resolve()),
            "seed": config["seed"],
            "choices": dict(choices or {}),
            "versions": {
                "python": platform.python_version(),
                "ner": ner.__version__,
                **{name: metadata.version(name) for name in ("torch", "datasets", "stanza", "hydra-core")},
            },
        }
        if other_trees is not None:
            environment["other_trees"] = {"digest": other_trees.digest, "trees": other_trees.trees}
        if encoder is not None and vocabularies.cutter is not None:  # a model is built from this folder
            directory.mkdir(parents=True, exist_ok=True)
            EncoderFolder.create(directory, encoder, vocabularies.cutter)
        return cls(directory=directory, config=config, vocabularies=vocabularies, environment=environment)

    def begin(self) -> None:
        """Write what the run is, before its first epoch or its next: from then on it is unfinished.

        Raises:
            ValueError: where its directory holds a link, or anything but files and directories.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        check_plain(self.directory)
        remove_strays(self.directory)
        (self.directory / "scores.json").unlink(missing_ok=True)
        if not (self.directory / "last.pt").exists():
            self.vocabularies.save(self.directory / "vocabularies.json")
            write_json(self.directory / "environment.json", self.environment)
        with replacing(self.directory / "config.yaml") as file:  # last: what has one is a run
            file.write(OmegaConf.to_yaml(OmegaConf.create(dict(self.config))).encode())

    @classmethod
    def open(cls, directory: str | Path) -> Run:
        """Open a run, which may be a stranger's: nothing that it brings is executed.

        Raises:
            ValueError: where there is no run, and where its configuration names anything but components of ours.
        """
        directory = check_run(directory)
        check_plain(directory)
        try:
            config = read_yaml(directory / "config.yaml")
            if not isinstance(config, dict) or not config.keys() >= SECTIONS:
                raise ValueError(
                    f"config.yaml: not the configuration of a run, which has {', '.join(sorted(SECTIONS))}"
                )
            for name, value in config.items():
                check_components(value, COMPONENTS.get(name, "ner.training"))
            config = completed(config)
            check_options(config)
            environment = read_json(directory / "environment.json")
            name_field(environment, "formalism", where="environment.json")
            string(environment, "digest", where="environment.json")
            if not isinstance(environment.get("prepared"), str):
                raise ValueError("environment.json: prepared is not the path of a corpus")
            vocabularies = Vocabularies.load(directory / "vocabularies.json")
            if isinstance(config["model"], dict) and config["model"].get("contextual") is not None:
                vocabularies = replace(vocabularies, cutter=EncoderFolder.open(directory).cutter())
        except ValueError as error:
            raise ValueError(f"{directory} is no run to be used: {error}") from error
        return cls(
            directory=directory,
            config=config,
            vocabularies=vocabularies,
            environment=environment,
        )

    @property
    def measure(self) -> str:
        """What is best in the best epoch: F1, or accuracy, which the F1 of a label a sentence is."""
        return MEASURES[self.vocabularies.task]

    @property
    def best_f1(self) -> float | None:
        """The best validation F1 of a run that was finished: it has its scores."""
        path = self.directory / "scores.json"
        if not path.is_file():
            return None
        return number(read_json(path), "validation", "strict", "micro", "f1", where=str(path), low=0, high=1)

    def differences(self, config: Mapping[str, Any], *, ignore: Collection[str] = ()) -> list[str]:
        """What is set otherwise than in `config`, as in `seed is 1 there, 2 here`, but for the options to `ignore`.

        An option that is absent, as in runs from before it existed, is one that is null.
        """
        there, here = dict(flattened(self.config)), dict(flattened(config))
        return [
            f"{name} is {there.get(name, 'absent')} there, {here.get(name, 'absent')} here"
            for name in sorted(there.keys() | here.keys())
            if name not in ignore and there.get(name) != here.get(name)
        ]

    @property
    def temperature(self) -> float:
        """By which scores are divided before probabilities are taken; 1 where the run was not calibrated.

        Raises:
            ValueError: for a `calibration.json` that is damaged.
        """
        path = self.directory / "calibration.json"
        if not path.is_file():
            return 1.0
        try:
            temperature = float(read_json(path)["temperature"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: not a calibration ({error}); write it again with ner.calibrate") from error
        if not 0.01 <= temperature <= 100:
            raise ValueError(f"{path}: a temperature of {temperature}; write it again with ner.calibrate")
        return temperature

    @property
    def formalism(self) -> str:
        """Of the dependency trees it was trained on: `ud`, `sd` or `given`."""
        return str(self.environment["formalism"])

    @property
    def trained_trees(self) -> Mapping[str, Any]:
        """The fingerprint of what the trees of its corpus came from; empty for a run of an earlier version."""
        trees = self.environment.get("trees")
        return trees if isinstance(trees, dict) else {}

    @property
    def other_digest(self) -> str | None:
        """The digest of the corpus of `training.other_trees`, if the run has one."""
        other = self.environment.get("other_trees")
        return None if other is None else string(other, "digest", where="environment.json: other_trees")

    def tree_policy(self, *, uses_trees: bool) -> TreePolicy:
        """Which sentences of a prepared corpus may lack a tree, as it was when the run was trained."""
        return TreePolicy.of(self.config, uses_trees=uses_trees)

    def check_formalism(self, formalism: str) -> None:
        """Refuse trees of another formalism than the run's.

        Raises:
            ValueError: naming both.
        """
        if formalism != self.formalism:
            raise ValueError(
                f"{self.directory} was trained with dependencies {self.formalism!r}, these are {formalism!r}: "
                f"use data prepared with dependencies={self.formalism}"
            )

    def new_tagger(self, vectors: Vectors | None = None, *, pretrained: bool = False) -> Tagger:
        """The run's tagger with its initial weights.

        Args:
            vectors: those that words begin with; None is random ones.
            pretrained: whether an encoder that is fine-tuned begins as it was pretrained; else it is random too. A
                frozen one is pretrained always, and found when it is first needed.

        Raises:
            ValueError: for options that do not fit together, and for a model that is too large (see `check_size`).
        """
        check_size(self._blueprint())
        contextual = self.config["model"].get("contextual")
        needs_weights = contextual is not None and (pretrained or not contextual["finetune"])
        return self._built(vectors, weights=needs_weights)

    def _blueprint(self) -> Tagger:
        """The run's tagger with shapes and no weights: it takes neither memory nor random numbers."""
        with shapes_only():
            return self._built(None, weights=False)

    def _built(self, vectors: Vectors | None, *, weights: bool) -> Tagger:
        given: dict[str, Any] = {"vocabularies": self.vocabularies, "vectors": vectors}
        if self.config["model"].get("contextual") is not None:
            given["encoder"] = EncoderFolder.open(self.directory).files(weights=weights)
        return cast(Tagger, self._component("model")(**given))

    def encode(self, prepared: Prepared, name: str, tagger: Tagger, *, trees: TreePolicy | None = None) -> EncodedSplit:
        """A split of a prepared corpus for the run's tagger, with the stored vectors of its encoder if that is frozen.

        Args:
            trees: which sentences may lack a tree; None is `tree_policy`.

        Raises:
            ValueError: as `ner.training.contextual.with_layers`.
        """
        policy = trees or self.tree_policy(uses_trees=tagger.uses_trees)
        split = encode(prepared.splits[name], self.vocabularies, trees=policy)
        if tagger.contextual is None:
            return split
        encoder = EncoderFolder.open(self.directory).source.digest
        return with_layers(split, tagger, encoder=encoder, root=prepared.path.parent, name=name)

    def new_optimizer(self, tagger: Tagger) -> Optimizer:
        return cast(Optimizer, self._component("optimizer")(tagger))

    def schedule(self) -> Schedule:
        return cast(Schedule, self._component("schedule"))

    def best_tagger(self, device: torch.device) -> Tagger:
        """The tagger after the epoch with the best validation F1, ready to decode.

        Raises:
            ValueError: when no epoch was finished, and for a file that is damaged, of another model or vocabulary, or
                of weights that are not finite.
        """
        state = self._state("best.pt")
        check_weights(self._blueprint(), state.get("tagger"), path=self.directory / "best.pt")
        tagger = self.new_tagger()
        tagger.load_state_dict(state["tagger"])
        return tagger.to(device).eval()

    def best_progress(self) -> Progress:
        """Where training was after the epoch with the best validation F1.

        Raises:
            ValueError: when no epoch was finished.
        """
        return progress_of(self._state("best.pt"), path=self.directory / "best.pt")

    def num_epochs_done(self) -> int:
        return self._last_progress().epoch if (self.directory / "last.pt").exists() else 0

    def is_over(self) -> bool:
        """Whether no epoch is left to train of those that the configuration asks for.

        Raises:
            ValueError: as `best_progress`.
        """
        training = self.config["training"]
        return is_over(self._last_progress(), num_epochs=training["epochs"], patience=training["patience"])

    def _last_progress(self) -> Progress:
        return progress_of(self._state("last.pt"), path=self.directory / "last.pt")

    def new_average(self, tagger: Tagger, *, steps_per_epoch: int) -> Average | None:
        """The average of the weights of a new tagger, if the run asks for one."""
        horizon = self.config["training"]["average"]
        return None if horizon is None else Average(tagger, horizon=horizon, steps_per_epoch=steps_per_epoch)

    def save(
        self,
        tagger: Tagger,
        optimizer: Optimizer,
        epoch: Epoch,
        average: Average | None = None,
        random: Sequence[RandomState] | None = None,
    ) -> None:
        """Keep the state after an epoch as the last, and as the best if it is, with the averaged weights if any.

        Args:
            random: the random state of each worker, by rank; None is that of this process, which is the only one.

        Raises:
            OSError: where a file cannot be written; the one of before is left whole.
        """
        progress, of = asdict(epoch.progress), self._belongs_to()
        if epoch.is_best:
            best = tagger if average is None else average.tagger
            save_sealed(self.directory / "best.pt", {"tagger": best.state_dict(), "progress": progress, "of": of})
        state = {"tagger": tagger.state_dict(), "progress": progress, "of": of, "optimizer": optimizer.state_dict()}
        if average is not None:
            state["average"] = average.state_dict()
        first, *others = random or [random_state()]
        state["random"] = {**first, "others": others}
        save_sealed(self.directory / "last.pt", state)
        if epoch.is_best:
            (self.directory / "calibration.json").unlink(missing_ok=True)  # of the best before

    def restore(
        self, tagger: Tagger, optimizer: Optimizer, average: Average | None = None, *, rank: int = 0
    ) -> Progress:
        """Put tagger, optimiser, average and torch's random state back to where the last epoch left them.

        Args:
            rank: of a worker; the random state of one that did not take part is left as it is.

        Raises:
            ValueError: when no epoch was finished, and as `best_tagger`.
        """
        state = self._state("last.pt")
        path = self.directory / "last.pt"
        progress = progress_of(state, path=path)
        check_weights(tagger, state.get("tagger"), path=path)
        tagger.load_state_dict(state["tagger"])
        put_back(optimizer, state.get("optimizer"), path=path)
        try:
            if average is not None:
                check_weights(average.tagger, state["average"]["tagger"], path=path)
                average.load_state_dict(state["average"])
            of_workers = [state["random"], *state["random"].get("others", [])]  # runs of before 0.2 have no others
            for own in of_workers[rank : rank + 1]:
                torch.set_rng_state(own["cpu"])
                if torch.cuda.is_available() and own["cuda"]:
                    torch.cuda.set_rng_state_all(own["cuda"][: torch.cuda.device_count()])
        except (AttributeError, KeyError, RuntimeError, TypeError) as error:
            raise ValueError(f"{path}: not all of the state of a training ({error!r})") from error
        return progress

    def _component(self, name: str) -> Callable[..., Any]:
        return cast(Callable[..., Any], component(self.config[name], COMPONENTS[name]))

    def _state(self, name: str) -> dict[str, Any]:
        path = self.directory / name
        if not path.is_file():
            raise ValueError(f"{self.directory} holds no weights: no epoch of this run was finished")
        state = load_sealed(path)
        if "of" in state:  # runs of before 0.2 do not say
            self._check_belongs(state["of"], path)
        return state

    def _belongs_to(self) -> dict[str, str]:
        """What weights are saved with: the vocabularies' SHA-256, and the model's configuration as JSON."""
        return {
            "vocabularies": sha256(self.directory / "vocabularies.json"),
            "model": json.dumps(self.config["model"], sort_keys=True),
        }

    def _check_belongs(self, of: Any, path: Path) -> None:
        try:
            vocabularies, model = of["vocabularies"], json.loads(of["model"])
            there, here = (
                dict(flattened({"model": completed({"model": options})["model"]}))
                for options in (model, self.config["model"])
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: does not say which model it belongs to ({error!r})") from error
        if vocabularies != sha256(self.directory / "vocabularies.json"):
            raise ValueError(f"{self.directory / 'vocabularies.json'} is not the file that {path.name} belongs to")
        for name in sorted(there | here):
            if there.get(name, "absent") != here.get(name, "absent"):
                was, now = (values.get(name, "absent") for values in (there, here))
                raise ValueError(f"{path}: not the weights of the model in config.yaml: {name} was {was}, now is {now}")


def check_options(config: Mapping[str, Any]) -> None:
    """Refuse options of a training that may not be what they are, and such as do not fit together.

    The model is put together without memory, for a vocabulary of a word; one with an encoder or feature templates is
    not, since its sizes are in the encoder's files or the training split.

    Raises:
        ValueError: naming the first of them.
    """
    check_command(config, Train)
    stated = {"seed": config["seed"]}
    for section, schema in (("training", Training), ("vocabulary", Vocabulary)):
        if section in config:
            names = [option.name for option in fields(schema)]
            stated |= {f"{section}.{name}": config[section].get(name, MISSING) for name in names}
    if missing := [name for name, value in stated.items() if value == MISSING]:
        raise ValueError(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    for name in ("model", "optimizer", "schedule"):
        check_component(name, config[name])
    if any(config["model"].get(name) is not None for name in ("contextual", "templates")):
        return
    scheme = config["vocabulary"]["scheme"] if "vocabulary" in config else "IOBES"
    vocabularies = build(
        word_counts={"word": 1},
        relations=(),
        labels=("LABEL",),
        min_count=1,
        scheme=scheme,
        task=config.get("task", "ner"),
    )
    model = {**config["model"], "word_size": config["model"].get("word_size") or 1}
    with shapes_only():
        component(model, COMPONENTS["model"])(vocabularies=vocabularies, vectors=None)


def check_unused(directory: Path) -> None:
    """Refuse the directory of a run of which an epoch was finished.

    Raises:
        ValueError: saying what to do.
    """
    if (directory / "last.pt").exists():
        raise ValueError(
            f"{directory} holds a run already: choose another hydra.run.dir, or {pasted('resume', directory)}"
        )


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Let no other process train the run in a directory, which is made if need be, at the same time.

    Where no run was begun in here, nothing is left of what was made for one.

    Raises:
        Refused: where one does.
    """
    made, had_encoder = absent_directories(directory), (directory / FOLDER).exists()
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / ".lock"
    check_replaceable(path)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Refused(f"{directory} is being trained by another process") from None
    try:
        yield
    finally:
        if not is_run(directory) and not had_encoder:  # which may be a folder of the user's
            shutil.rmtree(directory / FOLDER, ignore_errors=True)
        if os.listdir(directory) == [path.name]:
            path.unlink()
        lock.release()
        remove_empty(made)


def choose_device(name: str) -> torch.device:
    """The device of a name; `auto` is CUDA where there is one, else the CPU.

    Raises:
        ValueError: for another name, and for `cuda` where there is none.
    """
    if name not in DEVICES:
        raise ValueError(f"unknown device {name!r}: choose one of {', '.join(DEVICES)}")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device=cuda, but torch finds no CUDA device here: choose cpu or auto")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def random_state() -> RandomState:
    """torch's, on the CPU and on all CUDA devices; asking for these would set them up, where nothing has used one."""
    is_used: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all() if is_used else []}


def make_deterministic(device: torch.device) -> None:
    """On the CPU, let the same computation give the same bits each time, with the same number of threads.

    Without it, gradients of an indexing with repeated indices are added up in the order in which threads come.
    """
    torch.use_deterministic_algorithms(device.type == "cpu")
    setattr(torch.utils.deterministic, "fill_uninitialized_memory", False)  # noqa: B010 (untyped); nothing here reads what it has not written
