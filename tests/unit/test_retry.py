"""When a failed message comes again."""

import pytest

from microagent import ConfigurationError, RetryPolicy


def test_default_is_three_retries_one_three_and_nine_seconds_apart():
    """1 + 3 runs; each delay is three times the one before; then there is none."""
    delays = [RetryPolicy().next_delay(attempt, chance=0) for attempt in (1, 2, 3, 4)]
    assert delays == [1.0, 3.0, 9.0, None]


def test_no_delay_is_longer_than_the_longest():
    """Delays grow up to ``longest`` and stay there."""
    policy = RetryPolicy(retries=10, first=1, factor=10, longest=60)
    assert [policy.next_delay(attempt, chance=0) for attempt in (1, 2, 3, 10)] == [1, 10, 60, 60]


@pytest.mark.parametrize(("chance", "delay"), [(0.0, 10.0), (0.5, 9.0), (1.0, 8.0)])
def test_jitter_is_the_share_left_to_chance(chance, delay):
    """Chance shortens a delay by at most ``jitter`` of it, and never lengthens it."""
    assert RetryPolicy(first=10, jitter=0.2).next_delay(1, chance) == pytest.approx(delay)


def test_without_a_given_chance_delays_differ():
    """What failed together does not come back together."""
    policy = RetryPolicy(first=10)
    delays = {policy.next_delay(1) for _ in range(20)}
    assert len(delays) > 1
    assert all(delay is not None and 8 <= delay <= 10 for delay in delays)


def test_without_retries_a_failed_message_is_buried_at_once():
    """``retries=0`` means one run."""
    assert RetryPolicy(retries=0).next_delay(1) is None


def test_any_number_of_retries_has_a_delay():
    """The growth does not overflow, however often a message fails."""
    assert RetryPolicy(retries=100_000, jitter=0).next_delay(99_999) == 60.0


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"retries": -1}, "retries=-1 has to be a whole number, 0 or more"),
        ({"retries": 1.5}, "retries=1.5 has to be a whole number, 0 or more"),
        ({"retries": True}, "retries=True has to be a whole number, 0 or more"),
        ({"first": "1"}, "first='1' has to be a finite number, 0 or more"),
        ({"factor": -2}, "factor=-2 has to be a finite number, 0 or more"),
        ({"longest": float("nan")}, "longest=nan has to be a finite number, 0 or more"),
        ({"jitter": 1.5}, "jitter=1.5 has to be a number from 0 to 1"),
    ],
)
def test_policy_that_says_nothing_is_refused(said, sentence):
    """A policy is refused where it is written, and not when the first message fails."""
    with pytest.raises(ConfigurationError) as refusal:
        RetryPolicy(**said)
    assert str(refusal.value) == sentence
