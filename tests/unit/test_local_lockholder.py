"""Which process has a lock."""

import fcntl
import os
import signal
import subprocess
import sys

import pytest

from microagent.tools.local.folder import Folder
from microagent.tools.local.lockholder import lock_holder

HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path):
    folder = Folder.open(f"{tmp_path}/place")
    yield folder
    folder.close()


@pytest.fixture
def process(folder):
    """Another process, that has the lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, f"{folder.path}/turn.lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_holder_is_named(folder, process):
    """The process is known by its number."""
    assert lock_holder(folder, "turn.lock") == f"process {process.pid}"


def test_stopped_holder_is_said_to_be_stopped(folder, process):
    """What is to be done about it shows."""
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)
    assert lock_holder(folder, "turn.lock") == f"process {process.pid}, which is stopped,"


def test_lock_that_is_free_by_now_has_no_name(folder):
    """Between waiting and asking the holder may have gone."""
    descriptor = folder.open_file("turn.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    assert lock_holder(folder, "turn.lock") == "a process"
    os.close(descriptor)
