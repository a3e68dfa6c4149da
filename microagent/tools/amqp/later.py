"""Where messages wait that are sent with a delay: a queue for each bit of it, through which they go in turn."""

# So any delay is possible with a few queues, which are there for good. In one queue, with a time to live for each
# message, those that wait long would stand before those that do not: RabbitMQ looks at the first one alone. The plugin
# for delayed messages keeps them on one node, in memory, and cannot say whether a queue will take them.

from collections.abc import Iterator
from math import ceil

from microagent.errors import ConfigurationError
from microagent.tools.amqp.topology import Fork, Place, expiring

TICK = 100  # milliseconds: delays are whole multiples of it, the next longer one
LEVELS = 26  # a time to live is at most 2 ** 32 - 1 milliseconds
LONGEST = TICK * 2**LEVELS // 1000  # seconds
DAY = 24 * 3600


def ticks(delay: float) -> int:
    """
    How many a message waits, at least one.

    :raises ConfigurationError: if it is too many
    """
    if delay > LONGEST:
        raise ConfigurationError(f"delay={delay} is longer than the {LONGEST // DAY} days that RabbitMQ can wait")
    return max(1, ceil(ceil(delay * 1000) / TICK))


def address(queue: Place, count: int) -> tuple[Place, str, str]:
    """
    Where a message is sent that waits for so many ticks: what is to be there, the exchange, and the routing key.

    All go through the first queue, which waits for one tick; the bits of the rest say which of the others.
    """
    rest = count - 1
    place = _level(queue, rest.bit_length())
    if place.fork is None:
        return place, "", place.name
    return place, place.fork.exchange, ".".join(f"{rest:0{LEVELS}b}"[::-1])


def names(queue: str) -> Iterator[str]:
    """Of the queues in which messages may wait; where one is not there, no further one is."""
    yield _name(queue)
    yield from (_name(queue, level) for level in range(LEVELS))


def _name(queue: str, level: int | None = None) -> str:
    return f"{queue}.later" if level is None else f"{queue}.later.{TICK * 2**level}"


def _level(queue: Place, count: int) -> Place:
    """The last of so many levels, with all that are below it."""
    place = first = Place(_name(queue.name), arguments=expiring(TICK, "", queue.name), beyond=queue)
    for level in range(count):
        name, stars = _name(queue.name, level), "*." * level
        onward = expiring(TICK, "", first.name) if level == 0 else expiring(TICK * 2**level, place.name)
        place = Place(name, arguments=onward, beyond=place, fork=Fork(name, f"{stars}1.#", f"{stars}0.#"))
    return place
