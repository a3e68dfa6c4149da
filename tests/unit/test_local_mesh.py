"""How members of a folder meet."""

import asyncio
import errno
import fcntl
import os

import pytest
from support import until

from microagent import BackendConnectionError, BackendError
from microagent.tools.local import mesh as module
from microagent.tools.local.folder import Folder
from microagent.tools.local.mesh import DOOR, Mesh
from microagent.tools.local.presence import Presence


class Handler:
    """Knows who is here."""

    def __init__(self):
        self.here = set()

    def connected(self, peer):
        self.here.add(peer)

    def received(self, peer, kind, payload):
        pass

    def batch_ended(self, peer):
        pass

    def disconnected(self, peer, reason):
        self.here.discard(peer)


@pytest.fixture
def folder(tmp_path):
    folder = Folder.open(f"{tmp_path}/place")
    yield folder
    folder.close()


@pytest.fixture
async def enter(folder):
    """Opens a mesh of a kind; all are closed in the end."""
    entered = []

    async def enter(kind="bus"):
        handler = Handler()
        mesh = Mesh(folder, kind, handler)
        entered.append((mesh, handler))
        await mesh.open()
        return handler

    yield enter
    for mesh, handler in entered:
        mesh.close()
        for peer in tuple(handler.here):
            peer.leave()
    await until(lambda: not any(handler.here for _, handler in entered))


async def test_pair_has_one_connection(enter):
    """Of each two members exactly one connects, whoever comes first."""
    companies = [await enter() for _ in range(3)]
    companies += await asyncio.gather(*(enter() for _ in range(5)))
    await until(lambda: [len(handler.here) for handler in companies] == [7] * 8)


async def test_kinds_do_not_meet(enter):
    """A bus does not connect with a broker."""
    buses, brokers = [await enter("bus") for _ in range(2)], [await enter("broker") for _ in range(3)]
    await until(lambda: [len(handler.here) for handler in (*buses, *brokers)] == [1, 1, 2, 2, 2])


async def test_member_that_does_not_listen_is_passed_over(enter, folder):
    """One that is just leaving, or has not got so far, keeps nobody out."""
    silent = Presence(folder, "bus")
    silent.announce()
    handler = await enter()
    assert handler.here == set()
    silent.withdraw()


async def test_members_enter_one_at_a_time(enter, folder):
    """While one is at the door, the next waits."""
    door = folder.open_file(DOOR, os.O_RDWR | os.O_CREAT)
    fcntl.flock(door, fcntl.LOCK_EX)
    entering = asyncio.ensure_future(enter())
    await asyncio.sleep(0)
    assert [name for name in folder.names() if name.startswith("bus-")] == []
    os.close(door)
    await entering
    assert len([name for name in folder.names() if name.endswith(".sock")]) == 1


async def test_member_that_stays_in_the_door_is_named(enter, folder, monkeypatch):
    """Who cannot get in is told why, and can try again."""
    monkeypatch.setattr(module, "PATIENCE", 0.02)
    door = folder.open_file(DOOR, os.O_RDWR | os.O_CREAT)
    fcntl.flock(door, fcntl.LOCK_EX)
    mesh = Mesh(folder, "bus", Handler())
    with pytest.raises(BackendConnectionError, match=f"process {os.getpid()} does not let others join"):
        await mesh.open()
    os.close(door)
    await mesh.open()
    mesh.close()


async def test_refused_socket_leaves_nothing_open(enter, folder, monkeypatch):
    """What the system refuses is one error, and no connection that was begun is left."""
    handler = await enter()
    mesh = Mesh(folder, "bus", Handler())
    before = os.listdir("/proc/self/fd")
    monkeypatch.setattr(Folder, "protect", refuse)
    with pytest.raises(BackendError, match="place: No space left on device"):
        await mesh.open()
    mesh.close()
    monkeypatch.undo()
    await until(lambda: not handler.here and len(os.listdir("/proc/self/fd")) == len(before))


def refuse(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def test_closed_mesh_leaves_no_file(folder):
    """After closing there is nothing for others to find."""
    mesh = Mesh(folder, "bus", Handler())
    await mesh.open()
    mesh.close()
    mesh.close()
    assert sorted(folder.names()) == [".gitignore", DOOR]
