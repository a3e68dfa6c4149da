"""Who is alive in a folder."""

import os
import signal
import subprocess
import sys

import pytest

from microagent.tools.local.folder import Folder
from microagent.tools.local.presence import Presence, is_alive, living

MEMBER = """
import sys
from microagent.tools.local.folder import Folder
from microagent.tools.local.presence import Presence
presence = Presence(Folder.open(sys.argv[1]), "bus")
presence.announce()
print(presence.name, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path):
    folder = Folder.open(f"{tmp_path}/place")
    yield folder
    folder.close()


def test_member_is_alive_from_announce_to_withdraw(folder):
    """A member lives between the two, and leaves no file behind."""
    presence = Presence(folder, "bus")
    assert not is_alive(folder, presence.name)
    presence.announce()
    assert is_alive(folder, presence.name)
    presence.withdraw()
    assert not is_alive(folder, presence.name)
    assert folder.names() == [".gitignore"]


def test_two_members_of_one_process_are_two(folder):
    """One member of a process may go while another stays."""
    first, second = Presence(folder, "bus"), Presence(folder, "bus")
    first.announce()
    second.announce()
    first.withdraw()
    assert (is_alive(folder, first.name), is_alive(folder, second.name)) == (False, True)
    second.withdraw()


def test_those_who_look_do_not_hinder_each_other(folder):
    """Looking at a dead member from two sides at once finds it dead twice."""
    name = "bus-dead"
    descriptor = folder.open_file(f"{name}.lock", os.O_RDWR | os.O_CREAT)
    assert [is_alive(folder, name), is_alive(folder, name)] == [False, False]
    os.close(descriptor)


def test_living_are_those_of_a_kind(folder):
    """Buses see buses, brokers see brokers."""
    bus, broker = Presence(folder, "bus"), Presence(folder, "broker")
    bus.announce()
    broker.announce()
    assert living(folder, "bus") == [bus.name]
    assert living(folder, "broker") == [broker.name]
    bus.withdraw()
    broker.withdraw()


def test_killed_process_is_dead_and_cleared_away(folder):
    """After ``kill -9`` nothing but files is left of a member, and they are removed by who looks."""
    with subprocess.Popen(
        [sys.executable, "-c", MEMBER, folder.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        folder.remove(f"{name}.sock")
        os.close(folder.open_file(f"{name}.sock", os.O_CREAT))
        assert living(folder, "bus") == [name]
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert living(folder, "bus") == []
    assert folder.names() == [".gitignore"]
