"""Carrying out verdicts: a message that is to come again, or is buried, is written anew and then acknowledged."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence, Set
from contextlib import suppress
from dataclasses import dataclass

from aiormq import spec
from aiormq.abc import DeliveredMessage

from microagent.delivery import Delivery, Verdict
from microagent.errors import BackendConnectionError
from microagent.tools.amqp import messages
from microagent.tools.amqp.intake import Held, Intake
from microagent.tools.amqp.sending import Letter
from microagent.tools.amqp.session import Session
from microagent.tools.amqp.topology import Place, dead_place, delay_place

PAUSE = 1.0  # seconds before what cannot be moved goes back, and is tried again


@dataclass(slots=True)
class _Case:
    """A verdict on what is still ours and not done. ``copy`` is to be written in its place, if anything is."""

    delivery: Delivery
    held: Held
    copy: Letter | None
    failure: Exception | None = None

    @property
    def is_done(self) -> bool:
        """Whether the message may leave its queue."""
        return self.failure is None and self.copy is not None


async def carry_out(session: Session, batch: Sequence[Delivery], log: logging.Logger) -> None:
    """
    Settle what is still ours; what came over a channel that is closed is given to others by the server.

    A copy is confirmed before its original is acknowledged, so that nothing is lost in between; an original whose copy
    cannot be written goes back to its queue.
    """
    done: defaultdict[Intake, set[int]] = defaultdict(set)
    moved: list[_Case] = []
    for delivery in batch:
        held: Held = delivery.token
        if held.intake.holds(held):
            if delivery.verdict is Verdict.ACK:
                done[held.intake].add(held.tag)
            else:
                moved.append(_Case(delivery, held, _copy(session, delivery, held)))
    with suppress(BackendConnectionError):  # with the connection went all that there was to settle
        await _write(session, [case for case in moved if case.copy is not None], log)
        back: defaultdict[Intake, set[int]] = defaultdict(set)
        for case in moved:
            (done if case.is_done else back)[case.held.intake].add(case.held.tag)
        for intake in done.keys() | back.keys():
            await _tell(intake, done[intake], back[intake])


async def _write(session: Session, cases: Sequence[_Case], log: logging.Logger) -> None:
    if not cases:
        return
    results = await session.post([case.copy for case in cases if case.copy is not None])
    for case, failure in zip(cases, results, strict=True):
        case.failure = failure
        if failure is not None:
            queue = case.delivery.queue
            log.error("A message of queue '%s' cannot be moved, and goes back: %s", queue, failure)
    if any(results):
        await asyncio.sleep(PAUSE)


async def _tell(intake: Intake, done: Set[int], back: Set[int]) -> None:
    with suppress(BackendConnectionError):  # the channel is closed, which is no matter to others
        await intake.acknowledge(done)
        await intake.release(back)


def _copy(session: Session, delivery: Delivery, held: Held) -> Letter | None:
    """What is to be written in place of the message, if anything is."""
    message = held.message
    queue = session.topology.place(delivery.queue)
    match delivery.verdict:
        case Verdict.RETRY:
            place = delay_place(delivery.queue, delivery.delay) if delivery.delay > 0 else queue
            return _letter(session, place, message, messages.retried(message, delivery))
        case Verdict.BURY:
            return _letter(session, dead_place(delivery.queue), message, messages.buried(message, delivery))
        case Verdict.RELEASE if session.topology.is_quorum(delivery.queue) or messages.returns_are_counted(message):
            return _letter(session, queue, message, messages.handed_back(message, delivery))
        case _:
            return None


def _letter(session: Session, place: Place, message: DeliveredMessage, properties: spec.Basic.Properties) -> Letter:
    return Letter("", place.name, message.body, session.fitting(properties), queue=place)
