"""A run is a directory that holds a trained tagger whole: using it needs no training data."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from pickle import UnpicklingError
from typing import IO, Any, cast

import torch
from filelock import FileLock, Timeout
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

import ner
from ner.compatibility import completed
from ner.components import check_components, component
from ner.corpus.dataset import EncodedSplit, Prepared, encode
from ner.corpus.dependencies import TreePolicy
from ner.corpus.files import replacing, write_json
from ner.corpus.pretrained import Pretrained
from ner.corpus.vectors import Vectors
from ner.corpus.vocabulary import Vocabularies
from ner.errors import Refused
from ner.model.tagger import Tagger
from ner.overrides import pasted
from ner.schemas import flattened
from ner.stored import read_json
from ner.training.average import Average
from ner.training.contextual import with_layers
from ner.training.encoder_folder import EncoderFolder
from ner.training.loop import Epoch, Progress
from ner.training.optimizer import Optimizer
from ner.training.run_directory import check_run
from ner.training.schedule import Schedule

DEVICES = ("auto", "cpu", "cuda")
COMPONENTS = {
    "corpus": "ner.corpus",
    "dependencies": "ner.corpus",
    "model": "ner.model",
    "optimizer": "ner.training.optimizer",
    "schedule": "ner.training.schedule",
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training and its results. The `directory` holds:

    * `config.yaml` (resolved), `vocabularies.json`, and `environment.json` (versions, seed, and of the prepared
      corpus the formalism, the digest and the fingerprint of its trees);
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
        choices: Mapping[str, str] | None = None,
        encoder: Pretrained | None = None,
    ) -> Run:
        """Begin a run in a directory, which may hold logs and a run of which no epoch was finished.

        Args:
            choices: the option of the menu in each group, see `ner.components.menu_choices`.
            encoder: that of the contextual vectors, if any, for which the vocabularies have a cutter.

        Raises:
            ValueError: where another run is there already.
        """
        if (directory / "last.pt").exists():
            raise ValueError(
                f"{directory} holds a run already: choose another hydra.run.dir, or {pasted('resume', directory)}"
            )
        directory.mkdir(parents=True, exist_ok=True)
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
        vocabularies.save(directory / "vocabularies.json")
        if encoder is not None and vocabularies.cutter is not None:
            EncoderFolder.create(directory, encoder, vocabularies.cutter)
        write_json(directory / "environment.json", environment)
        run = cls(directory=directory, config={}, vocabularies=vocabularies, environment=environment)
        return run.with_config(config)  # last: what has one is a run

    @classmethod
    def open(cls, directory: str | Path) -> Run:
        """Open a run, which may be a stranger's: nothing that it brings is executed.

        Raises:
            ValueError: where there is no run, and where its configuration names anything but components of ours.
        """
        directory = check_run(directory)
        try:
            config: Any = OmegaConf.to_container(OmegaConf.load(directory / "config.yaml"), resolve=False)
        except (YAMLError, OmegaConfBaseException) as error:
            raise ValueError(f"{directory / 'config.yaml'}: not the configuration of a run ({error})") from error
        if not isinstance(config, dict) or not {"model", "optimizer", "schedule", "training", "seed"} <= config.keys():
            raise ValueError(f"{directory / 'config.yaml'}: not the configuration of a run")
        for name, value in config.items():
            check_components(value, COMPONENTS.get(name, "ner.training"))
        vocabularies = Vocabularies.load(directory / "vocabularies.json")
        if isinstance(config["model"], dict) and config["model"].get("contextual") is not None:
            vocabularies = replace(vocabularies, cutter=EncoderFolder.open(directory).cutter())
        return cls(
            directory=directory,
            config=completed(config),
            vocabularies=vocabularies,
            environment=json.loads((directory / "environment.json").read_text(encoding="utf-8")),
        )

    def with_config(self, config: Mapping[str, Any]) -> Run:
        """The run with another configuration, which is written to its directory."""
        with replacing(self.directory / "config.yaml") as file:
            file.write(OmegaConf.to_yaml(OmegaConf.create(dict(config))).encode())
        return replace(self, config=config)

    @property
    def best_f1(self) -> float | None:
        """The best validation F1 of a run that was finished: it has its scores."""
        path = self.directory / "scores.json"
        if not path.is_file():
            return None
        return float(json.loads(path.read_text(encoding="utf-8"))["validation"]["strict"]["micro"]["f1"])

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
        """
        given: dict[str, Any] = {"vocabularies": self.vocabularies, "vectors": vectors}
        if (contextual := self.config["model"].get("contextual")) is not None:
            weights = pretrained or not contextual["finetune"]
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
            ValueError: when no epoch was finished, and for a file that is damaged or of another model.
        """
        tagger = self.new_tagger()
        self._load("best.pt", tagger)
        return tagger.to(device).eval()

    def best_progress(self) -> Progress:
        """Where training was after the epoch with the best validation F1.

        Raises:
            ValueError: when no epoch was finished.
        """
        return Progress(**self._state("best.pt")["progress"])

    def new_average(self, tagger: Tagger, *, steps_per_epoch: int) -> Average | None:
        """The average of the weights of a new tagger, if the run asks for one."""
        horizon = self.config["training"]["average"]
        return None if horizon is None else Average(tagger, horizon=horizon, steps_per_epoch=steps_per_epoch)

    def save(self, tagger: Tagger, optimizer: Optimizer, epoch: Epoch, average: Average | None = None) -> None:
        """Keep the state after an epoch as the last, and as the best if it is, with the averaged weights if any."""
        progress = asdict(epoch.progress)
        if epoch.is_best:
            best = tagger if average is None else average.tagger
            self._save("best.pt", {"tagger": best.state_dict(), "progress": progress})
        state = {"tagger": tagger.state_dict(), "progress": progress, "optimizer": optimizer.state_dict()}
        if average is not None:
            state["average"] = average.state_dict()
        state["random"] = {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all()}
        self._save("last.pt", state)

    def restore(self, tagger: Tagger, optimizer: Optimizer, average: Average | None = None) -> Progress:
        """Put tagger, optimiser, average and torch's random state back to where the last epoch left them.

        Raises:
            ValueError: when no epoch was finished.
        """
        state = self._load("last.pt", tagger)
        optimizer.load_state_dict(state["optimizer"])
        if average is not None:
            average.load_state_dict(state["average"])
        torch.set_rng_state(state["random"]["cpu"])
        if torch.cuda.is_available() and state["random"]["cuda"]:
            torch.cuda.set_rng_state_all(state["random"]["cuda"])
        return Progress(**state["progress"])

    def _component(self, name: str) -> Callable[..., Any]:
        return cast(Callable[..., Any], component(self.config[name], COMPONENTS[name]))

    def _save(self, name: str, state: Mapping[str, Any]) -> None:
        with replacing(self.directory / name) as file:
            torch.save(dict(state), cast(IO[bytes], file))

    def _load(self, name: str, tagger: Tagger) -> Any:
        state = self._state(name)
        try:
            tagger.load_state_dict(state["tagger"])
        except RuntimeError as error:
            path = self.directory / name
            raise ValueError(f"{path}: not the weights of the model in config.yaml ({error})") from error
        return state

    def _state(self, name: str) -> Any:
        path = self.directory / name
        if not path.is_file():
            raise ValueError(f"{self.directory} holds no weights: no epoch of this run was finished")
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except (RuntimeError, UnpicklingError) as error:
            raise ValueError(f"{path}: not the weights of a run ({str(error).splitlines()[0]})") from error


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Let no other process train the run in a directory, which is made if need be, at the same time.

    Raises:
        Refused: where one does.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lock = FileLock(directory / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Refused(f"{directory} is being trained by another process") from None
    try:
        yield
    finally:
        lock.release()


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


def choose_precision(name: str, device: torch.device) -> str:
    """The precision of a name; `auto` is bfloat16 on a CUDA device that computes with it, else float32."""
    if name != "auto":
        return name
    return "bfloat16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "float32"


def make_deterministic(device: torch.device) -> None:
    """On the CPU, let the same computation give the same bits each time, with the same number of threads.

    Without it, gradients of an indexing with repeated indices are added up in the order in which threads come.
    """
    torch.use_deterministic_algorithms(device.type == "cpu")
    setattr(torch.utils.deterministic, "fill_uninitialized_memory", False)  # noqa: B010 (untyped); nothing here reads what it has not written
