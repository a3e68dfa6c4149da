"""How delayed messages find their way on RabbitMQ."""

import re

import pytest

from microagent import ConfigurationError
from microagent.tools.amqp.later import LEVELS, LONGEST, TICK, address, names, ticks
from microagent.tools.amqp.topology import Place

LARGEST_TTL = 2**32 - 1  # milliseconds that RabbitMQ takes


@pytest.mark.parametrize(
    ("delay", "count"), [(0.001, 1), (0.1, 1), (0.1001, 2), (0.3, 3), (0.7, 7), (30, 300), (LONGEST, 67_108_860)]
)
def test_delay_is_rounded_up(delay, count):
    """To whole ticks, so that nothing comes early."""
    assert ticks(delay) == count


def test_delay_that_is_too_long_is_refused():
    """RabbitMQ takes no longer times to live."""
    with pytest.raises(ConfigurationError, match=r"^delay=6800000 is longer than the 77 days that RabbitMQ can wait$"):
        ticks(6_800_000)


def way(place: Place, routing_key: str) -> list[Place]:
    """The queues that a message passes which is sent to the exchange of a place, or straight to it."""
    passed: list[Place] = []
    while place.beyond is not None:
        if place.fork is None or _matches(place.fork.into, routing_key):
            passed.append(place)
        else:
            assert _matches(place.fork.past, routing_key)
        place = place.beyond
    return [*passed, place]


def _matches(pattern: str, routing_key: str) -> bool:
    assert pattern.endswith(".#")
    return re.fullmatch(re.escape(pattern[:-2]).replace(r"\*", "[01]") + r"(\.[01])*", routing_key) is not None


@pytest.mark.parametrize("count", [1, 2, 3, 8, 300, 67_108_860])
def test_message_waits_as_long_as_all_that_it_passes(count):
    """Each queue that it passes is for one bit, and the last one gives it to the queue that it is for."""
    place, exchange, routing_key = address(Place("mailer"), count)
    assert exchange == ("" if count == 1 else place.name)
    *waiting, last = way(place, routing_key)
    assert last.name == "mailer"
    assert sum(each.arguments["x-message-ttl"] for each in waiting) == count * TICK
    assert waiting[0] is place
    assert waiting[-1].arguments["x-dead-letter-routing-key"] == "mailer"
    assert {each.name for each in waiting} <= set(names("mailer"))


def test_what_expires_goes_to_the_next_fork():
    """With its own routing key; behind the lowest fork there is one queue for all."""
    place = address(Place("mailer"), 2**LEVELS)[0]
    assert place.arguments["x-message-ttl"] <= LARGEST_TTL
    depth = 0
    while place.fork is not None and place.beyond is not None:
        onward = place.beyond.fork.exchange if place.beyond.fork else ""
        assert place.arguments["x-dead-letter-exchange"] == onward
        assert place.arguments.get("x-dead-letter-routing-key") == (None if onward else "mailer.later")
        place, depth = place.beyond, depth + 1
    assert depth == LEVELS
    assert place.name == "mailer.later"


def test_all_are_queues_that_hand_on_safely():
    """What expires stays until the next queue has it."""
    place = address(Place("mailer"), 8)[0]
    while place.beyond is not None:
        assert place.arguments["x-queue-type"] == "quorum"
        assert place.arguments["x-dead-letter-strategy"] == "at-least-once"
        place = place.beyond
