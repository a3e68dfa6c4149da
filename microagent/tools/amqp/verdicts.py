"""Carrying out verdicts: a message that is to come again, or is buried, is written anew and then acknowledged."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from aiormq import spec

from microagent.delivery import Settlement, Verdict
from microagent.errors import BackendConnectionError
from microagent.tools.amqp import messages
from microagent.tools.amqp.intake import Held, Intake
from microagent.tools.amqp.sending import Letter
from microagent.tools.amqp.session import Session
from microagent.tools.amqp.topology import Place, dead_place, delay_place


@dataclass(slots=True)
class _Ending:
    """What one intake is told, by delivery tag."""

    done: set[int] = field(default_factory=set[int])
    back: set[int] = field(default_factory=set[int])


async def carry_out(session: Session, batch: Sequence[Settlement], log: logging.Logger) -> None:
    """
    Settle what is still ours; what came over a channel that is closed is given to others by the server.

    A copy is confirmed before its original is acknowledged, so that nothing is lost in between; an original whose copy
    cannot be written goes back to its queue.
    """
    with suppress(BackendConnectionError):  # with it went all that there was to settle
        ours = [settlement for settlement in batch if _held(settlement).intake.holds(_held(settlement))]
        copied = {n: letter for n, each in enumerate(ours) if (letter := _copy(session, each)) is not None}
        failures = dict(zip(copied, await session.post(list(copied.values())), strict=True)) if copied else {}
        endings: defaultdict[Intake, _Ending] = defaultdict(_Ending)
        for n, settlement in enumerate(ours):
            _end(endings[_held(settlement).intake], settlement, n in copied, failures.get(n), log)
        for intake, ending in endings.items():
            await intake.acknowledge(ending.done)
            await intake.release(ending.back)


def _held(settlement: Settlement) -> Held:
    held: Held = settlement.delivery.token
    return held


def _end(ending: _Ending, settlement: Settlement, copied: bool, failure: Exception | None, log: logging.Logger) -> None:
    if failure is not None:
        log.error("A message of queue '%s' cannot be moved, and goes back: %s", settlement.delivery.queue, failure)
    is_done = copied or settlement.verdict is Verdict.ACK
    (ending.done if is_done and failure is None else ending.back).add(_held(settlement).tag)


def _copy(session: Session, settlement: Settlement) -> Letter | None:
    """What is to be written in place of the message, if anything is."""
    delivery, message = settlement.delivery, _held(settlement).message
    queue = session.topology.place(delivery.queue)
    match settlement.verdict:
        case Verdict.RETRY if settlement.delay > 0:
            return _letter(
                delay_place(delivery.queue, settlement.delay), settlement, messages.retried(message, delivery)
            )
        case Verdict.RETRY:
            return _letter(queue, settlement, messages.retried(message, delivery))
        case Verdict.BURY:
            return _letter(dead_place(delivery.queue), settlement, messages.buried(message, settlement))
        case Verdict.RELEASE if session.topology.quorum or messages.returns_are_counted(message):
            return _letter(queue, settlement, messages.handed_back(message, delivery))
        case _:
            return None


def _letter(place: Place, settlement: Settlement, properties: spec.Basic.Properties) -> Letter:
    return Letter("", place.name, settlement.delivery.body, properties, queue=place)
