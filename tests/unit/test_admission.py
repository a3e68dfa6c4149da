"""What happens to a payload that does not fit its declaration."""

import logging

import pytest
from support import unique

from microagent import ConfigurationError, Queue, QueueSerializingError, Signal, SignalSerializingError
from microagent.admission import Admission
from microagent.tools.memory import MemoryBroker, MemorySignalBus


@pytest.fixture
def signal():
    return Signal(unique("signal"), {"user_id": "integer"}, returns="integer")


def admission(mode):
    return Admission(mode, logging.getLogger("test.admission"))


@pytest.mark.parametrize("mode", ["warn", "strict", "off"])
def test_what_fits_passes_without_a_word(mode, signal, caplog):
    """In every mode."""
    admission(mode).sending(signal, {"user_id": 1}, SignalSerializingError)
    assert admission(mode).refusal(signal, {"user_id": 1}) is None
    assert admission(mode).answer_refusal(signal, 3, "Agent.count") is None
    assert caplog.records == []


def test_warn_tells_and_lets_pass(signal, caplog):
    """The manual's soft check: one warning for each, naming the signal and the argument."""
    soft = admission("warn")
    soft.sending(signal, {"user_id": "1"}, SignalSerializingError)
    assert soft.refusal(signal, {"user_id": "1"}) is None
    assert soft.answer_refusal(signal, "3", "Agent.count") is None
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3
    assert all(signal.name in message and "user_id" in message for message in caplog.messages[:2])
    assert "Agent.count" in caplog.messages[2]


def test_nothing_is_said_to_be_sent_that_cannot_be(signal, caplog):
    """What JSON cannot say is an error for the sender, and no warning that it is sent all the same."""
    with pytest.raises(SignalSerializingError, match="JSON has no"):
        admission("warn").sending(signal, {"user_id": object()}, SignalSerializingError)
    assert caplog.records == []


def test_strict_refuses(signal, caplog):
    """An error for the sender, a reason for the receiver and for the caller."""
    strict = admission("strict")
    with pytest.raises(SignalSerializingError, match=f"'{signal.name}' is not sent"):
        strict.sending(signal, {"user_id": "1"}, SignalSerializingError)
    assert "user_id" in (strict.refusal(signal, {"user_id": "1"}) or "")
    assert (strict.answer_refusal(signal, "3", "Agent.count") or "").startswith("SignalSerializingError: ")
    assert caplog.records == []


def test_error_is_of_the_senders_kind(signal):
    """A queue's sender gets a queue's error."""
    with pytest.raises(QueueSerializingError):
        admission("strict").sending(signal, {}, QueueSerializingError)


def test_off_does_not_look(signal, caplog):
    """Anything passes, silently."""
    blind = admission("off")
    blind.sending(signal, {"user_id": "1"}, SignalSerializingError)
    assert blind.refusal(signal, {}) is None
    assert blind.answer_refusal(signal, "3", "Agent.count") is None
    assert caplog.records == []


@pytest.mark.parametrize("mode", ["", "Strict", None, True])
def test_unknown_mode_is_refused(mode):
    """With the ones that there are."""
    with pytest.raises(ConfigurationError, match="'warn', 'strict', 'off'"):
        admission(mode)


@pytest.mark.parametrize(("formats", "passes"), [(False, True), (True, False)])
def test_formats_decide_when_that_is_asked_for(formats, passes):
    """On sending, on receiving and of answers; else they only tell people something."""
    schema = {"type": "string", "format": "uuid"}
    payload = {"properties": {"id": schema}, "required": ["id"]}
    declared = Signal(unique("signal"), payload=payload, returns=schema)
    strict = Admission("strict", logging.getLogger("test.admission"), formats=formats)
    wrong = {"id": "no uuid"}
    assert (strict.refusal(declared, wrong) is None) == passes
    assert (strict.answer_refusal(declared, "no uuid", "Agent.count") is None) == passes
    if passes:
        strict.sending(declared, wrong, SignalSerializingError)
    else:
        with pytest.raises(SignalSerializingError, match=r"\$\.id: does not fit format"):
            strict.sending(declared, wrong, SignalSerializingError)


def test_formats_that_nothing_here_can_check_are_a_mistake_at_once(monkeypatch):
    """In one sentence that says what to install; unless nobody looks anyway."""
    monkeypatch.setattr("microagent.admission.missing_formats", lambda: ["date-time", "uri"])
    with pytest.raises(ConfigurationError, match=r"date-time, uri: pip install 'microagent\[formats\]'"):
        Admission("warn", logging.getLogger("test.admission"), formats=True)
    Admission("off", logging.getLogger("test.admission"), formats=True)


async def test_formats_are_an_option_of_every_bus_and_broker():
    """Beside ``validate``, whatever the backend."""
    payload = {"properties": {"at": {"type": "string", "format": "date-time"}}, "required": ["at"]}
    queue = Queue(unique("queue"), payload=payload)
    async with MemoryBroker(validate="strict", formats=True) as broker, MemorySignalBus(formats=True):
        await broker[queue.name].send({"at": "2026-01-31T12:00:00Z"})
        with pytest.raises(QueueSerializingError, match="date-time"):
            await broker[queue.name].send({"at": "yesterday"})
