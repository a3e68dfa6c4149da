"""How many messages a consumer holds at once."""

import math

from microagent.prefetch import Prefetch


def test_quick_handlers_read_ahead():
    """Up to a hundred messages share a round trip."""
    prefetch = Prefetch(10)
    for _ in range(100):
        prefetch.ran(0.0001)
    assert prefetch.limit == 100


def test_slow_handlers_leave_messages_to_others():
    """No more than run at once, nearly."""
    prefetch = Prefetch(10)
    for _ in range(100):
        prefetch.ran(5.0)
    assert prefetch.limit == 10


def test_prefetch_follows_a_handler_that_changes():
    """Within some dozens of runs, in both directions, and never below the concurrency."""
    prefetch = Prefetch(4)
    limits = []
    for seconds in [0.0001] * 60 + [2.0] * 60 + [0.0001] * 120:
        prefetch.ran(seconds)
        limits.append(prefetch.limit)
    assert (limits[59], limits[119], limits[-1]) == (100, 4, 100)
    assert min(limits) >= 4


def test_prefetch_may_be_fixed():
    """Then it is what was said, however quick the handler."""
    prefetch = Prefetch(10, fixed=3)
    prefetch.ran(0.0)
    assert prefetch.limit == 3


def test_concurrency_beyond_the_prefetch_bound_is_granted():
    """A hundred is the bound of reading ahead, not of running."""
    assert Prefetch(500).limit == 500


def test_what_is_done_makes_room_before_the_server_knows():
    """Up to the limit, so that no more than twice as many are held; one that is fixed counts all."""
    prefetch = Prefetch(10)
    full = prefetch.limit
    assert prefetch.to_take(0, 0, 0) == prefetch.to_take(full, full, 0) == prefetch.portion
    assert prefetch.to_take(full, 0, 0) == prefetch.to_take(2 * full, 2 * full, 0) == 0
    fixed = Prefetch(10, 3)
    assert [fixed.to_take(held, settling, 0) for held, settling in ((0, 0), (2, 2), (3, 3))] == [3, 1, 0]
    assert (prefetch.enough, fixed.enough) == (prefetch.portion, math.inf)


def test_few_may_be_done_without_the_server_knowing():
    """As many as run at once and what takes 10 ms; of quick ones as many as are held at most."""
    handlers = {0.05: 12, 0.01: 20, 0.005: 30, 0.0: 200}
    for seconds, most in handlers.items():
        prefetch = Prefetch(10)
        for _ in range(200):
            prefetch.ran(seconds)
        assert most - 1 < prefetch.most_unsettled <= most


def test_few_are_not_worth_a_round_trip():
    """As long as some wait here; where nothing waits, or somebody said how many to hold, each place is filled."""
    prefetch, fixed = Prefetch(10), Prefetch(1, 5)
    full, half = prefetch.limit, prefetch.portion
    assert [prefetch.to_take(held, 0, 1) for held in (full - half, full - half + 1)] == [half, 0]
    assert prefetch.to_take(full - 1, 0, 0) == 1
    assert fixed.to_take(4, 0, 3) == 1


def test_half_is_taken_in_one_go():
    """While the one half is handled the server hands out the other; a few are not worth two round trips."""
    quick, slow = Prefetch(10), Prefetch(10)
    for _ in range(100):
        quick.ran(0.0001)
        slow.ran(5.0)
    assert (quick.portion, slow.portion) == (50, 10)
    assert [Prefetch(2, fixed).portion for fixed in (1, 3, 4)] == [1, 3, 2]
