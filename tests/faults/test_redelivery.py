"""How soon what a killed process held comes again."""

import asyncio
import signal
import sys
import time
from pathlib import Path

import pytest
from support import unique, until

from faults.crew import Post
from faults.ledger import Entry, read
from faults.places import PLACES, shared

SOON = 2.0  # seconds, beyond the lease where a server has one
MESSAGES = 30


def started(folder: Path) -> dict[str, Entry]:
    """The last start of each message."""
    return {entry.id: entry for entry in read(folder) if entry.what == "start"}


@pytest.mark.parametrize("name", PLACES)
async def test_what_a_killed_process_held_comes_again(request, tmp_path, name):
    """
    All of it, to another process: within 2 s, on Redis 2 s after its lease and on Kafka 2 s after its session, and no
    run is counted as failed.
    """
    place, queue = shared(request, name), unique("queue")
    folders = [tmp_path / "holder", tmp_path / "taker"]
    for folder in folders:
        folder.mkdir()
    holder, taker = (Post("consumer", folder, place, queue, sys.executable) for folder in folders)
    async with place.make_broker() as broker:
        try:
            await holder.start("hold")
            await until(lambda: holder.is_ready)
            ids = [f"m{number}" for number in range(MESSAGES)]
            await asyncio.gather(*(broker.send(queue, f'{{"id": "{each}"}}') for each in ids))
            await until(lambda: len(started(folders[0])) == 10)
            await taker.start("consume", "0")
            await until(lambda: taker.is_ready)
            killed = time.time()
            await holder.send(signal.SIGKILL)
            await until(lambda: started(folders[1]).keys() == set(ids))
            await taker.send(signal.SIGTERM)
        finally:
            await holder.end()
            await taker.end()
    again = [started(folders[1])[each] for each in started(folders[0])]
    last = max(entry.time for entry in again) - killed
    print(f"{name}: what a killed process held came again within {last:.2f} s")
    assert last < place.lease + SOON
    assert {entry.attempt for entry in again} == {1}
