"""Settling: what is retried or buried is written elsewhere first, and handled only then."""

import logging
from collections.abc import Mapping, Sequence

from microagent.delivery import Delivery, Settlement, Verdict
from microagent.tools.kafka import messages
from microagent.tools.kafka.intake import Held, Intake
from microagent.tools.kafka.portions import Letter
from microagent.tools.kafka.sending import Sender

RELEASE = Verdict.RELEASE
MOVES = (Verdict.RETRY, Verdict.BURY)


async def carry_out(sender: Sender, batch: Sequence[Settlement], log: logging.Logger) -> None:
    """Settle each, and tell the groups; what was lost to another member is let be."""
    moves = [settlement for settlement in batch if settlement.verdict in MOVES and not _held(settlement).ledger.lost]
    failures = await _failures(sender, moves, log)
    intakes: dict[Intake, None] = {}
    for settlement in batch:
        intake, ledger, record = _held(settlement)
        if settlement.verdict is RELEASE or settlement.delivery in failures:
            ledger.release(record.offset)
        else:
            ledger.handle(record.offset)
        intakes[intake] = None
    for intake in intakes:
        await intake.settled()


async def _failures(sender: Sender, moves: Sequence[Settlement], log: logging.Logger) -> Mapping[Delivery, Exception]:
    """Those whose copies could not be written where they are to go, and why."""
    if not moves:
        return {}
    results = await sender.send([_copy(settlement) for settlement in moves])
    failures = {move.delivery: error for move, error in zip(moves, results, strict=True) if error is not None}
    for delivery, error in failures.items():
        log.error("A message of queue '%s' cannot be moved, and goes back: %s", delivery.queue, error)
    return failures


def _held(settlement: Settlement) -> Held:
    held: Held = settlement.delivery.token
    return held


def _copy(settlement: Settlement) -> Letter:
    """What is to be written in place of a message that is retried or buried."""
    intake, _, record = _held(settlement)
    body = settlement.delivery.body
    if settlement.verdict is Verdict.RETRY:
        return Letter(intake.topics.retry(settlement.delay), body, record.key, messages.retried(record, settlement))
    return Letter(intake.topics.dead, body, record.key, messages.buried(record, settlement, intake.topics.group))
