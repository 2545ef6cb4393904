import signal
import subprocess
import sys
import time

import pytest
from hydra.errors import ConfigCompositionException

BUSY = {
    "python": "while True: pass",
    "sleep": "import time; time.sleep(60)",
    "deaf": """
while True:
    try:
        while True: pass
    except KeyboardInterrupt:
        pass
""",
    "thread": "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); time.sleep(60)",
    "child": "import subprocess; subprocess.run(['sleep', '61.5'], start_new_session=True)",
    "exit": "import atexit, time; atexit.register(time.sleep, 60); time.sleep(60)",
    "library": "import zlib; zlib.crc32(b'x' * 1000); import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 10**8)",
}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("busy", BUSY)
def test_whatever_it_does_a_command_ends(busy, number):
    code = f"""
import sys
from ner.interruption import ended_promptly
try:
    with ended_promptly():
        print("begun", flush=True)
        {"exec" + repr((BUSY[busy],))}
except KeyboardInterrupt:
    sys.exit(130)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # in the background a shell has it ignored
    )
    with process:
        try:
            process.stdout.readline()
            time.sleep(0.1)
            begun = time.monotonic()
            process.send_signal(number)
            assert process.wait(10) == 130
            assert time.monotonic() - begun < 3  # 1.5, on a busy machine
        finally:
            process.kill()
    if busy == "child":
        assert subprocess.run(["pgrep", "-f", "sleep 61.5"], capture_output=True).returncode == 1


@pytest.mark.parametrize("kind", [ConfigCompositionException, AttributeError])
def test_an_interruption_that_hydra_makes_an_error_of_is_one(run_command, monkeypatch, kind):
    def interrupted_main():
        try:
            try:
                raise KeyboardInterrupt
            finally:
                _ = None.flags
        except AttributeError as error:
            raise kind("Could not override") from error

    monkeypatch.setattr("hydra.main", lambda **options: lambda job: interrupted_main)
    assert run_command("report", "runs=.") == (130, "interrupted\n")
