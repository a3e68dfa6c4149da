"""
No accepted message is lost, whatever happens to processes, servers and connections.

``make faults`` runs this longer: 60 seconds of faults and 20,000 messages for each backend, by a seed of its own.
"""

import os
import random

import pytest

from faults.places import PLACES, shared
from faults.running import IS_LONG, Run
from faults.schedule import schedule

SECONDS = float(os.environ.get("FAULTS_SECONDS") or 10)
MESSAGES = int(os.environ.get("FAULTS_MESSAGES") or 1500)
SEED = os.environ.get("FAULTS_SEED") or "1"


@pytest.mark.parametrize("name", [name for name in PLACES if IS_LONG or name != "quorum"])
async def test_nothing_is_lost_under_faults(request, tmp_path, name):
    """
    Of what was acknowledged nothing is lost, nothing unexpected comes, and a message comes again only where a fault
    cut it short.
    """
    seed = random.randrange(10**6) if SEED == "random" else int(SEED)
    print(f"\n{name}: BACKEND={name} SEED={seed} SECONDS={SECONDS:g} MESSAGES={MESSAGES}")
    folder = tmp_path / "ledgers"
    folder.mkdir()
    async with PLACES[name](request) as place:
        faults = schedule(seed, SECONDS, place.faults, place.pause)
        run = Run(place, folder, faults, MESSAGES, SECONDS)
        report = await run()
    assert (report.lost, report.unexpected) == (frozenset(), frozenset())
    assert report.duplicated <= run.bound
    assert run.undisturbed().duplicated == 0
    assert run.crew.complaints == []


@pytest.mark.skipif(
    not IS_LONG, reason="make faults runs this; the other tests look at the time before their first fault"
)
@pytest.mark.parametrize("name", PLACES)
async def test_nothing_comes_twice_without_faults(request, tmp_path, name):
    """Each message is done once."""
    folder = tmp_path / "ledgers"
    folder.mkdir()
    run = Run(shared(request, name), folder, [], MESSAGES, seconds=20)
    report = await run()
    assert (report.done, report.duplicated, report.lost) == (report.attempted, 0, frozenset())
    assert run.crew.complaints == []
