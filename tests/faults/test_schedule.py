"""Unit tests of the schedule of faults."""

from itertools import pairwise

from faults.schedule import Kind, schedule

KILL, RESET = Kind("kill"), Kind("reset", 0, "network")
OUTAGE, LONG_OUTAGE = Kind("outage", 4, "server"), Kind("outage", 15, "server")
KINDS = (KILL, RESET, OUTAGE, LONG_OUTAGE)


def test_seed_decides():
    """The same seed gives the same faults, another one others."""
    assert schedule(7, 60, KINDS) == schedule(7, 60, KINDS) != schedule(8, 60, KINDS)


def test_faults_come_every_one_to_three_seconds():
    """From the beginning to the end."""
    times = [0.0, *(fault.at for fault in schedule(1, 60, [KILL, RESET]))]
    assert all(1 <= later - earlier <= 3 for earlier, later in pairwise(times))
    assert 57 < times[-1] <= 60


def test_every_kind_comes():
    """None twice before all others have come."""
    kinds = [fault.kind for fault in schedule(1, 600, KINDS)]
    for start in range(0, len(kinds) - len(KINDS), len(KINDS)):
        assert set(kinds[start : start + len(KINDS)]) == set(KINDS)


def test_server_has_one_fault_at_a_time():
    """The next one comes when it has been back for a while."""
    outages = [fault for fault in schedule(1, 600, KINDS, pause=3) if fault.kind.whole == "server"]
    assert len(outages) > 20
    assert all(later.at >= earlier.at + earlier.kind.seconds + 3 for earlier, later in pairwise(outages))


def test_long_faults_are_for_long_runs():
    """None of server or network lasts longer than a quarter of the run; one process may."""
    kinds = {fault.kind for fault in schedule(1, 20, [*KINDS, Kind("stop", 6)])}
    assert {kind.name: kind.seconds for kind in kinds} == {"kill": 0, "reset": 0, "outage": 4, "stop": 6}
