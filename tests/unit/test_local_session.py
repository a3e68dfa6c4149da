"""What a broker has open, where another process keeps it from writing."""

import logging
import os

import pytest
from support import until

from microagent import BackendConnectionError, BackendError
from microagent.tools.local import session as module
from microagent.tools.local.filelock import FileLock
from microagent.tools.local.folder import Folder
from microagent.tools.local.session import Session
from microagent.tools.local.store import TURN

LOG = logging.getLogger("test.local")


@pytest.fixture
def path(tmp_path):
    return f"{tmp_path}/place"


@pytest.fixture
def others_turn(path):
    """The turn of another one, who can take it and not give it away."""
    folder = Folder.open(path)
    turn = FileLock(folder, TURN)
    yield turn
    turn.close()
    folder.close()


@pytest.fixture
async def session(path):
    session = await Session.open(path, "FULL", LOG)
    yield session
    await session.close()


async def test_who_waits_in_vain_for_a_turn_is_told_why(session, others_turn, monkeypatch):
    """The error names the process that keeps everybody from writing; what was given up is not done afterwards."""
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    with (
        others_turn,
        pytest.raises(BackendError, match=f"process {os.getpid()} does not let others write to the queues"),
    ):
        await session.submit(lambda store: store.push([("q", b"given up", None)]))
    monkeypatch.undo()
    await session.submit(lambda store: store.push([("q", b"accepted", None)]))
    assert await session.submit(lambda store: store.length("q")) == 1


async def test_who_does_not_wait_is_told(session, others_turn, monkeypatch):
    """What it gives, what it raises, or who keeps everybody from writing; what was given up is not done afterwards."""
    told = []

    def fails(store):
        raise ValueError("no")

    session.begin(lambda store: store.length("q"), told.append)
    session.begin(fails, told.append)
    await until(lambda: len(told) == 2)
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    with others_turn:
        session.begin(lambda store: store.push([("q", b"given up", None)]), told.append)
        await until(lambda: len(told) == 3)
    assert await session.submit(lambda store: store.length("q")) == 0
    length, error, hindrance = told
    assert length == 0
    assert str(error) == "no"
    assert f"process {os.getpid()} does not let others write" in str(hindrance)


async def test_closing_does_not_wait_for_ever_for_a_turn(path, others_turn, monkeypatch):
    """Who leaves is let go; what it held is handed back when its turn comes."""
    monkeypatch.setattr(module, "CLOSING", 0.05)
    session = await Session.open(path, "FULL", LOG)
    await session.submit(lambda store: store.push([("q", b"1", None)]))
    await session.submit(lambda store: store.take("q", 1, 30))
    with others_turn:
        await session.close()
    monkeypatch.undo()
    later = await Session.open(path, "FULL", LOG)
    await until(lambda: later.submit(lambda store: store.length("q")))
    await later.close()


async def test_opening_can_be_tried_again(path, others_turn, monkeypatch):
    """A turn that does not come is a server that is away: the core says so, and goes on trying."""
    monkeypatch.setattr(module, "OPENING", 0.05)
    monkeypatch.setattr(module, "CLOSING", 0.05)
    with others_turn, pytest.raises(BackendConnectionError, match="does not let others write"):
        await Session.open(path, "FULL", LOG)
    monkeypatch.undo()
    session = await Session.open(path, "FULL", LOG)
    await session.close()
