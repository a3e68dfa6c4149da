"""What passes between the core of a broker and its backend."""

import math
import time
from dataclasses import replace

import pytest

from microagent import ConfigurationError
from microagent.delivery import DeadLetter, Delivery, Verdict, check_letter


@pytest.fixture
def settled():
    return []


@pytest.fixture
def delivery(settled):
    delivery = Delivery("orders", b"{}")
    delivery.on_verdict = settled.append
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
    assert settled == [delivery]
    assert (delivery.delay, delivery.reason) == (delay, reason)


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


LETTER = DeadLetter("q", b"secret", "no", 4, 1.5, "1-1")


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ({"body": "secret"}, "body is of type str"),
        ({"id": 17}, "id is of type int"),
        ({"time": math.nan}, "time nan"),
        ({"time": "now"}, "time is of type str"),
        ({"reason": None}, "reason is of type NoneType"),
        ({"attempts": "4"}, "attempts is of type str"),
    ],
)
def test_letter_that_was_spoilt_is_refused(fact, told):
    """Whoever has kept it somewhere, and made of it what it was not, is told what; its body is not shown."""
    check_letter(LETTER, "q")
    with pytest.raises(ConfigurationError, match=f"queue 'q': a dead letter is to be as .* {told}$") as caught:
        check_letter(replace(LETTER, **fact), "q")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("wrong", [[LETTER], (LETTER,), {"body": "secret"}, b"secret", "secret"])
def test_what_is_no_letter_is_refused_without_being_shown(wrong):
    """It may hold one."""
    with pytest.raises(ConfigurationError, match=r"is no dead letter, as dead\(\) gives them") as caught:
        check_letter(wrong, "q")
    assert "secret" not in str(caught.value)
