"""Commands in processes of their own, which begin at once."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path


def begin(directory: Path, command: str, *arguments: str, before: Callable[[], object] = lambda: None) -> int:
    """Start a command in a directory, in a process that has all imports behind it; give the process.

    What it says is in `output.txt` there. `before` is called in the process when all else is done.
    """
    process = os.fork()
    if process:
        return process
    status = 99
    try:
        signal.set_wakeup_fd(-1)  # an interrupted command that was tested here before leaves its own
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.chdir(directory)
        output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        sys.argv = [f"ner-{command}", *arguments]
        main = importlib.import_module(f"ner.{command}").main
        signal.signal(signal.SIGINT, signal.default_int_handler)  # as Python has it from its start
        before()
        main()
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def status_of(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
