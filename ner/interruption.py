"""The end of a command on SIGTERM and Ctrl-C: within two seconds, whatever it is doing."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

PATIENCE = 1.5
"""So many seconds has a command to tidy up before its process is ended."""
STATUS = 130

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def ended_promptly() -> Iterator[None]:
    """In here SIGTERM raises `KeyboardInterrupt` like Ctrl-C, and what does not end of it is ended, children too.

    Python runs its handlers between two steps of the main thread, which can be long in coming while a library computes
    or waits, and an exception that is raised inside of a callback gets lost. So a thread of its own is told of the
    signal by the system itself. Files are replaced in one step (see `ner.corpus.files.replacing`), so that none is left
    half-written.
    """
    previous = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or previous is not signal.SIG_DFL:
        yield  # a launcher has its own way, such as to queue the job again
        return
    told, teller = os.pipe()
    os.set_blocking(teller, False)
    earlier = signal.set_wakeup_fd(teller, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, _interrupt)
    watch = threading.Thread(target=_watch, args=(told,), name="interruption", daemon=True)
    watch.start()
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as end:  # still watched until the process is gone
        if isinstance(end, KeyboardInterrupt) or end.code == STATUS:
            atexit.register(leave)  # what is registered last comes first
        raise
    except BaseException:
        _stop(earlier, previous, teller)
        raise
    else:
        _stop(earlier, previous, teller)


def is_of_interruption(error: BaseException | None) -> bool:
    """Whether an error arose while a `KeyboardInterrupt` was on its way.

    One that comes while Hydra reads its configuration leaves OmegaConf's nodes half-made, whose clean-up then fails.
    """
    return error is not None and (
        isinstance(error, KeyboardInterrupt)
        or is_of_interruption(error.__cause__)
        or is_of_interruption(error.__context__)
    )


def leave() -> None:
    """End the process without taking it apart, which takes seconds once torch is in it."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(STATUS)


def _stop(earlier: int, previous: signal.Handlers, teller: int) -> None:
    signal.set_wakeup_fd(earlier)
    signal.signal(signal.SIGTERM, previous)
    os.close(teller)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _watch(told: int) -> None:
    while received := os.read(told, 1):
        if received[0] in _SIGNALS:
            time.sleep(PATIENCE)
            print("interrupted", file=sys.stderr, flush=True)
            for child in _descendants(os.getpid()):
                try:
                    os.kill(child, signal.SIGKILL)
                except OSError:  # it has ended
                    continue
            os._exit(STATUS)
    os.close(told)


def _descendants(process: int) -> list[int]:
    """The processes that a process has started, and those that these have; none where the system does not say."""
    found: list[int] = []
    waiting = [process]
    while waiting:
        for path in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            try:
                children = [int(child) for child in path.read_text().split()]
            except OSError:
                continue
            found += children
            waiting += children
    return found
