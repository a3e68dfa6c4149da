"""The ledger finds what is lost, where something is: microagent 1.9 under the same faults."""

from dataclasses import replace

import pytest

from faults.places import PLACES
from faults.running import IS_LONG, Run
from faults.schedule import Fault, Kind

SECONDS, MESSAGES = 5.0, 500
KILL = Kind("kill a consumer")
CRASH = Kind("kill the server", 0, "server")


@pytest.mark.parametrize(("name", "kind"), [("redis", KILL), *([("amqp", CRASH)] if IS_LONG else [])])
async def test_losses_of_1_9_are_found(request, tmp_path, peer_python, name, kind):
    """On Redis, a consumer that is killed takes with it what it held; on RabbitMQ, a server takes what waited."""
    folder = tmp_path / "ledgers"
    folder.mkdir()
    faults = [Fault(at, kind, target) for target, at in enumerate((1.0, 1.5, 2.0, 2.5) if kind is KILL else (1.5, 3.0))]
    async with PLACES[name](request) as place:
        run = Run(
            replace(place, options={}), folder, faults, MESSAGES, SECONDS, python=peer_python, longest=0.5, patience=5
        )
        report = await run()
    assert report.done > 0
    assert len(report.lost) > 0
