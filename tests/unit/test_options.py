"""The options of a consumer that mean the same on every backend."""

import pytest
from support import unique

from microagent import ConfigurationError, Queue, RetryPolicy
from microagent.options import ConsumingOptions
from microagent.queue import Consumer

POLICY = RetryPolicy(retries=1)


class Handlers:
    async def handle(self, **message): ...


AGENT = Handlers()


def consumer(**options):
    return Consumer(AGENT, AGENT.handle, Queue(unique("queue")), 60.0, options)


def test_options_that_mean_the_same_everywhere():
    """The others are the backend's; what is not said has a default, the policy the broker's."""
    assert ConsumingOptions.of(consumer(), POLICY) == ConsumingOptions(10, None, True, POLICY, {})
    other = RetryPolicy(retries=9)
    options = ConsumingOptions.of(
        consumer(concurrency=2, prefetch=5, autoack=False, retry=other, group="copies"), POLICY
    )
    assert options == ConsumingOptions(2, 5, False, other, {"group": "copies"})


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("concurrency", 0, "a whole number, 1 or more"),
        ("concurrency", None, "a whole number, 1 or more"),
        ("concurrency", True, "a whole number, 1 or more"),
        ("concurrency", "10", "a whole number, 1 or more"),
        ("prefetch", 0, "a whole number, 1 or more, or None"),
        ("prefetch", 1.5, "a whole number, 1 or more, or None"),
        ("autoack", "no", "True or False"),
        ("autoack", None, "True or False"),
        ("retry", 3, "a RetryPolicy"),
        ("retry", None, "a RetryPolicy"),
    ],
)
def test_option_that_cannot_be_is_refused(name, value, wanted):
    """One sentence that names the handler, the option and what it is to be."""
    with pytest.raises(ConfigurationError) as caught:
        ConsumingOptions.of(consumer(**{name: value}), POLICY)
    assert str(caught.value) == f"Handlers.handle: {name}={value!r} has to be {wanted}"
