"""What is written during training: `metrics.jsonl`, and what TensorBoard shows of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from ner.corpus.files import replacing
from ner.schemas import flattened
from ner.scoring import Scores
from ner.stored import integer, parse_json
from ner.training.loop import Epoch, Progress, Step

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Setting = int | float | str


class Records:
    """Writes what training yields to `metrics.jsonl`, a JSON object a line, and to TensorBoard's events.

    The events tell TensorBoard's HParams tab the run's options, and its text tab the scores by label of each epoch that
    is the best so far. What was written here after the epoch `after`, before an interruption, is removed first, and so
    is what is no record.
    """

    def __init__(self, directory: Path, *, config: Mapping[str, Any], after: Progress | None = None) -> None:
        after = after or Progress()
        path = directory / "metrics.jsonl"
        if path.exists():
            with path.open("rb") as written, replacing(path) as file:
                file.writelines(line for line in written if _is_of_epoch_until(line, after.epoch))
        self._metrics = path.open("a", encoding="utf-8")
        self._events = SummaryWriter(str(directory), purge_step=after.step + 1)
        _, start, _ = hparams(hyper_parameters(config), {})  # type: ignore[no-untyped-call]
        _add_summary(self._events, start)

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *exception: object) -> None:
        with suppress(OSError):  # of what could not be written before
            self._metrics.close()
        self._events.close()

    def write(self, result: Step | Epoch) -> None:
        """Write a result, and have it on its way to the disk.

        Raises:
            OSError: naming the file, where it cannot be written.
        """
        content = asdict(result) if isinstance(result, Step) else _epoch_to_dict(result)
        try:
            self._metrics.write(json.dumps(content) + "\n")
            self._metrics.flush()
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._metrics.name) from error
        for name, value in _scalars(result).items():
            self._events.add_scalar(name, value, content["step"])
        if isinstance(result, Epoch):
            if result.is_best:
                self._events.add_text("validation/by_label", _preformatted(result.scores.table()), content["step"])
            self._events.flush()


def record_end(
    directory: Path, scores: Mapping[str, Scores], pictures: Mapping[str, Figure | str], *, step: int
) -> None:
    """Tell TensorBoard that the run is over, and how the best epoch, which ended at `step`, scored on each split.

    Its F1 is `best/validation_f1` and `best/test_f1`: one value a run, for the columns of the HParams tab.

    Args:
        pictures: by name; Markdown instead of a figure is shown as text.
    """
    with SummaryWriter(str(directory)) as events:
        for split, found in scores.items():
            events.add_scalar(f"best/{split}_f1", found.micro.f1, step)
            events.add_text(f"best/{split}_by_label", _preformatted(found.table()), step)
        for name, picture in pictures.items():
            if isinstance(picture, str):
                events.add_text(f"best/{name}", picture, step)
            else:
                events.add_figure(f"best/{name}", picture, step)
        _, _, end = hparams({}, {})  # type: ignore[no-untyped-call]
        _add_summary(events, end)


def hyper_parameters(config: Mapping[str, Any]) -> dict[str, Setting]:
    """A run's configuration as TensorBoard has it: one level, the names of components in place of their paths.

    >>> hyper_parameters({"model": {"_target_": "ner.model.tagger.bilstm_crf", "_partial_": True, "layers": 2}})
    {'model': 'bilstm_crf', 'model.layers': 2}
    """
    settings: dict[str, Setting] = {}
    for name, value in flattened(config):
        group, _, last = name.rpartition(".")
        if last == "_target_":
            settings[group] = str(value).rpartition(".")[2]
        elif last != "_partial_":
            is_plain = isinstance(value, Setting) and not isinstance(value, bool)
            settings[name] = value if is_plain else json.dumps(value)
    return settings


def _is_of_epoch_until(line: bytes, last: int) -> bool:
    """Whether a line is a whole record of an epoch up to the last: not all of it may have been written, or by us."""
    try:
        return line.endswith(b"\n") and integer(parse_json(line, where=""), "epoch", where="") <= last
    except ValueError:
        return False


def _add_summary(events: SummaryWriter, summary: object) -> None:
    """Write what `SummaryWriter.add_hparams` would write to another run, in a directory of its own.

    Its third summary, which lists options and metrics, is left out: TensorBoard takes the list of one run for all runs,
    and without any collects what each of them has.
    """
    assert events.file_writer is not None  # until it is closed
    events.file_writer.add_summary(summary)


def _preformatted(text: str) -> str:
    """As Markdown that keeps columns."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def _epoch_to_dict(epoch: Epoch) -> dict[str, Any]:
    return {
        "epoch": epoch.number,
        "step": epoch.progress.step,
        "loss_per_sentence": epoch.loss_per_sentence,
        "loss_per_token": epoch.loss_per_token,
        "gradient_norm": epoch.gradient_norm,
        "learning_rate": epoch.learning_rate,
        "tokens_per_second": epoch.tokens_per_second,
        "seconds": epoch.seconds,
        "is_best": epoch.is_best,
        "validation": epoch.scores.to_dict(),
        **({} if epoch.scores_unaveraged is None else {"validation_unaveraged": epoch.scores_unaveraged.to_dict()}),
    }


def _scalars(result: Step | Epoch) -> dict[str, float]:
    if isinstance(result, Step):
        return {
            "training/loss": result.loss,
            "training/learning_rate": result.learning_rate,
            "training/gradient_norm": result.gradient_norm,
            "training/tokens_per_second": result.tokens_per_second,
        }
    micro, macro, unaveraged = result.scores.micro, result.scores.macro, result.scores_unaveraged
    return {
        "epoch/loss": result.loss_per_token,
        "epoch/gradient_norm": result.gradient_norm,
        "epoch/tokens_per_second": result.tokens_per_second,
        "validation/precision": micro.precision,
        "validation/recall": micro.recall,
        "validation/f1": micro.f1,
        "validation/macro_f1": macro.f1,
        **({} if unaveraged is None else {"validation/f1_unaveraged": unaveraged.micro.f1}),
        **{f"validation_f1/{label}": counts.f1 for label, counts in result.scores.labels.items()},
    }
