"""What passes between the core of a broker and its backend."""

import time

import pytest

from microagent.delivery import DeadLetter, Delivery, Settlement, Verdict


@pytest.fixture
def settled():
    return []


@pytest.fixture
def delivery(settled):
    delivery = Delivery("orders", b"{}")
    delivery.settle_through(settled.append)
    return delivery


VERDICTS = {
    Verdict.ACK: lambda delivery: delivery.ack(),
    Verdict.RETRY: lambda delivery: delivery.retry(2.5, "later"),
    Verdict.BURY: lambda delivery: delivery.bury("never"),
    Verdict.RELEASE: lambda delivery: delivery.release(),
}


@pytest.mark.parametrize(("verdict", "decide"), VERDICTS.items())
def test_verdict_goes_where_the_holder_says(delivery, settled, verdict, decide):
    """With its delay and its reason."""
    assert not delivery.settled
    decide(delivery)
    assert delivery.settled
    assert delivery.verdict is verdict
    delay, reason = {Verdict.RETRY: (2.5, "later"), Verdict.BURY: (0.0, "never")}.get(verdict, (0.0, ""))
    assert settled == [Settlement(delivery, verdict, delay, reason)]


@pytest.mark.parametrize("second", VERDICTS.values())
@pytest.mark.parametrize(("verdict", "first"), VERDICTS.items())
def test_first_verdict_counts(delivery, settled, verdict, first, second):
    """What is decided later is not heard."""
    first(delivery)
    second(delivery)
    assert delivery.verdict is verdict
    assert len(settled) == 1


def test_deliveries_are_themselves():
    """Two of the same content are two messages."""
    assert Delivery("orders", b"{}") != Delivery("orders", b"{}")
    assert len({Delivery("orders", b"{}"), Delivery("orders", b"{}")}) == 2


def test_dead_letter_knows_when_it_was_buried():
    """In seconds since the epoch."""
    before = time.time()
    assert before <= DeadLetter("orders", b"{}", "reason", 4).time <= time.time()
