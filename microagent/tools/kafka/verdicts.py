"""Settling: what is retried or buried is written elsewhere first, and handled only then."""

import logging
from collections.abc import Mapping, Sequence

from microagent.delivery import Settlement, Verdict
from microagent.tools.kafka import messages
from microagent.tools.kafka.intake import Held, Intake
from microagent.tools.kafka.portions import Letter
from microagent.tools.kafka.sending import Sender


async def carry_out(sender: Sender, batch: Sequence[Settlement], log: logging.Logger) -> None:
    """Settle each, and tell the groups; what was lost to another member is let be."""
    ours = [settlement for settlement in batch if not _held(settlement).ledger.lost]
    failures = await _written(sender, ours)
    intakes: dict[Intake, None] = {}
    for settlement in ours:
        _end(settlement, failures.get(settlement.delivery.id), log)
        intakes[_held(settlement).intake] = None
    for intake in intakes:
        await intake.commit()


async def _written(sender: Sender, batch: Sequence[Settlement]) -> Mapping[str, Exception | None]:
    """By message, why its copy could not be written."""
    letters = {settlement.delivery.id: letter for settlement in batch if (letter := _copy(settlement)) is not None}
    return dict(zip(letters, await sender.send(list(letters.values())), strict=True)) if letters else {}


def _end(settlement: Settlement, failure: Exception | None, log: logging.Logger) -> None:
    held = _held(settlement)
    if failure is not None:
        log.error("A message of queue '%s' cannot be moved, and goes back: %s", settlement.delivery.queue, failure)
    if failure is not None or settlement.verdict is Verdict.RELEASE:
        held.intake.release(held)
    else:
        held.intake.handle(held)


def _held(settlement: Settlement) -> Held:
    held: Held = settlement.delivery.token
    return held


def _copy(settlement: Settlement) -> Letter | None:
    """What is to be written in place of the message, if anything is."""
    held = _held(settlement)
    record, topics, body = held.record, held.intake.topics, settlement.delivery.body
    match settlement.verdict:
        case Verdict.RETRY:
            return Letter(topics.retry(settlement.delay), body, record.key, messages.retried(record, settlement))
        case Verdict.BURY:
            return Letter(topics.dead, body, record.key, messages.buried(record, settlement))
        case _:
            return None
