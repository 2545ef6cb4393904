import io

import pytest

from ner import progress
from ner.scoring import Scores
from ner.training.loop import Epoch, Progress, Step


@pytest.fixture
def results():
    """Two epochs of four looks each."""

    def step(epoch, number):
        return Step(
            epoch=epoch,
            step=number,
            sentences=16 * number,
            loss=1 / number,
            tokens_per_second=1234.5,
            gradient_norm=1.0,
            learning_rate=0.1,
        )

    def end(epoch):
        return Epoch(
            progress=Progress(epoch=epoch),
            loss_per_sentence=1.0,
            loss_per_token=0.1,
            gradient_norm=1.0,
            learning_rate=0.1,
            tokens_per_second=1234.5,
            seconds=2.0,
            scores=Scores({}),
        )

    return [result for epoch in (1, 2) for result in (*(step(epoch, number) for number in range(1, 5)), end(epoch))]


def test_without_a_terminal_there_is_a_line_every_half_minute(results, monkeypatch, caplog):
    """With 20 s from one result to the next, every second look has one, and the end of an epoch counts as one."""
    now = 0.0

    def seconds_later():
        nonlocal now
        for result in results:
            now += 20.0
            yield result

    monkeypatch.setattr(progress, "monotonic", lambda: now)
    caplog.set_level("INFO")
    assert list(progress.with_progress(seconds_later(), sentences=64, epochs=2)) == results
    assert caplog.messages == [
        f"epoch {epoch}/2  {done} of 64 sentences  loss {loss:.4f}, 1,234 tokens/s"
        for epoch in (1, 2)
        for done, loss in ((32, 1 / 2), (64, 1 / 4))
    ]


def test_a_short_epoch_has_no_line(results, caplog):
    caplog.set_level("INFO")
    assert list(progress.with_progress(iter(results), sentences=64, epochs=2)) == results
    assert caplog.messages == []


def test_a_terminal_has_a_bar_for_each_epoch(results, monkeypatch, caplog):
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", terminal)
    caplog.set_level("INFO")
    assert list(progress.with_progress(iter(results), sentences=64, epochs=2)) == results
    for epoch in (1, 2):
        assert f"epoch {epoch}/2" in terminal.getvalue()
    assert caplog.messages == []
