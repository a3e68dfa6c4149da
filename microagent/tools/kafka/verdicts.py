"""Settling: what is retried or buried is written elsewhere first, and handled only then."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

from microagent import wallclock
from microagent.delivery import Delivery, Verdict
from microagent.tools.kafka import messages
from microagent.tools.kafka.intake import Held, Intake
from microagent.tools.kafka.ledger import Ledger
from microagent.tools.kafka.portions import Letter
from microagent.tools.kafka.sending import Sender

PAUSE = 5.0  # seconds until a message that could not be moved is handled again
RELEASE = Verdict.RELEASE
MOVES = (Verdict.RETRY, Verdict.BURY)


async def carry_out(sender: Sender, batch: Sequence[Delivery], log: logging.Logger) -> None:
    """Settle each, and tell the groups; what was lost to another member is let be."""
    moves = [delivery for delivery in batch if delivery.verdict in MOVES]
    failures = await _failures(sender, moves, log) if moves else ()
    intakes: dict[Intake, None] = {}
    handled: defaultdict[Ledger, list[int]] = defaultdict(list)
    for delivery in batch:
        intake, ledger, record = delivery.token
        if delivery in failures:
            ledger.release(record.offset, wallclock.now().timestamp() + PAUSE)
        elif delivery.verdict is RELEASE:
            ledger.release(record.offset)
        else:
            handled[ledger].append(record.offset)
        intakes[intake] = None
    for ledger, offsets in handled.items():
        ledger.handle(offsets)
    for intake in intakes:
        await intake.settled()


async def _failures(sender: Sender, moves: Sequence[Delivery], log: logging.Logger) -> Mapping[Delivery, Exception]:
    """Those whose copies could not be written where they are to go, and why."""
    copies = {delivery: _copy(delivery) for delivery in moves if not is_lost(delivery)}
    results = await sender.send(list(copies.values()))
    failures = {delivery: error for delivery, error in zip(copies, results, strict=True) if error is not None}
    for delivery, error in failures.items():
        log.error(
            "A message of queue '%s' cannot be moved, and is handled again in %g s: %s", delivery.queue, PAUSE, error
        )
    return failures


def is_lost(delivery: Delivery) -> bool:
    """Whether another member of the group has its partition by now."""
    held: Held = delivery.token
    return held[1].lost


def _copy(delivery: Delivery) -> Letter:
    """What is to be written in place of a message that is retried or buried."""
    held: Held = delivery.token
    intake, _, record = held
    if delivery.verdict is Verdict.RETRY:
        place, headers = intake.topics.retry(delivery.delay), messages.retried(record, delivery)
    else:
        place, headers = intake.topics.dead, messages.buried(record, delivery, intake.topics.group)
    return Letter(place, delivery.body, record.key, headers)
