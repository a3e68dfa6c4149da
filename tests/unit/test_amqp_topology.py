"""Where messages of a queue are on RabbitMQ."""

import pytest

from microagent.tools.amqp.topology import STEPS, dead_place, delay_place, step


@pytest.mark.parametrize(
    ("delay", "seconds"), [(0.001, 0.1), (0.1, 0.1), (0.8, 1.0), (1.0, 1.0), (2.4, 3.0), (7.2, 10.0), (1e9, 3600.0)]
)
def test_delay_is_the_next_longer_step(delay, seconds):
    """A retry never comes early, unless it was to wait longer than the longest step."""
    assert step(delay) == seconds


def test_steps_grow():
    """So that the first which is long enough is the shortest."""
    assert list(STEPS) == sorted(set(STEPS))


def test_delayed_message_expires_into_its_queue():
    """The queue of a step is named after it, and gives what expires to the queue by the default exchange."""
    place = delay_place("mailer", 2.5)
    assert place.name == "mailer.retry.3000"
    assert place.arguments == {
        "x-queue-type": "quorum",  # whatever the queue itself is: classic ones lose what the next one does not take
        "x-message-ttl": 3000,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "mailer",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def test_dead_letters_are_in_a_durable_queue_beside():
    """It is a classic one without limits: nothing in it expires, and nothing is dropped."""
    assert (dead_place("mailer").name, dead_place("mailer").durable) == ("mailer.dead", True)
    assert dead_place("mailer").arguments == {"x-queue-type": "classic"}  # also where quorum queues are the default
