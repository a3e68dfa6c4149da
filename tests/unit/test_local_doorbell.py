"""Waking those who wait."""

import asyncio
import logging

import pytest
from support import until

from microagent.tools.local.doorbell import Doorbell
from microagent.tools.local.folder import Folder

FOREVER = 3600.0


@pytest.fixture
async def bells(tmp_path):
    """The doorbells of two processes."""
    folder = Folder.open(f"{tmp_path}/place")
    bells = [Doorbell(folder, logging.getLogger("test.local"), lambda: None) for _ in range(2)]
    for bell in bells:
        await bell.open()
    yield bells
    for bell in bells:
        await bell.close()
    folder.close()


async def test_ring_wakes_those_who_attend_anywhere(bells):
    """Whoever rings, all who wait for that queue wake, the ringer itself too."""
    for bell in bells:
        await bell.subscribe("mail")
    waiting = [asyncio.ensure_future(bell.wait("mail", FOREVER)) for bell in bells]
    bells[0].ring(["mail"])
    await asyncio.gather(*waiting)


async def test_ring_is_for_its_queue(bells):
    """Another queue's ring wakes nobody, however alike the names are."""
    for queue in ("mail", "mailer"):
        await bells[0].subscribe(queue)
    waiting = asyncio.ensure_future(bells[0].wait("mail", FOREVER))
    bells[1].ring(["mailer"])
    await bells[0].wait("mailer", FOREVER)
    assert not waiting.done()
    bells[1].ring(["mail"])
    await waiting


async def test_ring_before_the_wait_is_not_lost(bells):
    """It rings on until it is hushed: what comes between looking and waiting ends the wait at once."""
    await bells[0].subscribe("mail")
    bells[0].ring(["mail"])
    await bells[0].wait("mail", FOREVER)
    await bells[0].wait("mail", FOREVER)
    bells[0].clear("mail")
    await bells[0].wait("mail", 0.001)


async def test_neglected_bell_is_not_heard(bells):
    """Who consumes a queue no longer is not told of it."""
    await bells[0].subscribe("mail")
    await bells[0].unsubscribe("mail")
    await bells[0].unsubscribe("mail")
    bells[1].ring(["mail"])
    assert await bells[1]._pubsub.publish([("mail\0", b"")]) == [0]


async def test_names_differ_and_live(bells):
    """Each process has a name by which others can tell whether it lives."""
    assert bells[0].name != bells[1].name
    await until(lambda: len(bells[0]._pubsub._peers) == 1)
