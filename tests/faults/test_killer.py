"""A message that kills its processes is buried, and takes no other one along."""

import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support import unique, until

from faults.crew import Post
from faults.ledger import read
from faults.places import shared
from microagent import Queue
from microagent.solitude import SUSPICIOUS

NEIGHBOURS = 40
LONGEST = 0.05  # seconds that a handler takes at most
LEASE = {"lease": 0.5}  # seconds
CRASHES = 10


def ids(folder: Path, what: str) -> list[str]:
    return [entry.id for entry in read(folder) if entry.what == what]


@pytest.mark.parametrize("name", ["local", "redis", "quorum"])
async def test_message_that_kills_its_processes_takes_no_other_along(request, tmp_path, name):
    """
    It is run ten times and is a dead letter then; the forty around it are all done, though many of them were held by
    each of the processes that died, and none of them is buried.
    """
    place, queue = shared(request, name), Queue(unique("queue")).name
    place = replace(place, options={**place.options, **LEASE})
    holder = Post("consumer", tmp_path, place, queue, sys.executable)
    names = [f"m{number}" for number in range(NEIGHBOURS)]
    names.insert(5, "killer")
    async with place.make_broker() as broker:
        for id in names:  # noqa: A001 - it is the ledger's word
            await broker.send(queue, f'{{"id": "{id}"}}')
        try:
            await holder.start("fall", str(LONGEST))
            await until(lambda: broker.dead(queue), 60)
            await until(lambda: set(ids(tmp_path, "done")) == set(names) - {"killer"}, 60)
            assert await holder.send(signal.SIGTERM) == 0
        finally:
            await holder.end()
        (letter,) = await broker.dead(queue)
        assert (letter.body, letter.attempts) == (b'{"id": "killer"}', 1)
        assert letter.reason == f"{CRASHES} runs ended together with their process"
        assert await broker.queue_length(queue) == 0
    runs = ids(tmp_path, "start").count("killer")
    assert runs == CRASHES or (name == "quorum" and SUSPICIOUS < runs < CRASHES)  # which counts a little more at times
