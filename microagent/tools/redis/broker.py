"""Queues on Redis's lists."""

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import ceil, isfinite
from operator import attrgetter
from typing import Any, TypeVar, Unpack

from microagent.arguments import duration
from microagent.broker import AbstractQueueBroker, BrokerOptions, Stored
from microagent.consuming import ConsumingOptions
from microagent.delivery import ACK, DeadLetter, Delivery, Outgoing, Verdict
from microagent.errors import BackendConnectionError, BackendError
from microagent.queue import Consumer
from microagent.retry import RetryPolicy
from microagent.tools.redis.faults import is_in_vain, raise_if_in_vain
from microagent.tools.redis.line import Command, checked
from microagent.tools.redis.lines import Lines
from microagent.tools.redis.releases import check_release
from microagent.tools.redis.scripts import DELAY, MAINTAIN, RENEW, RESEND, SETTLE, TAKE, Call, Keys
from microagent.tools.redis.servers import SCHEMES, servers_of
from microagent.tools.redis.watch import Doorbell, Watch

T = TypeVar("T")
K = TypeVar("K")

PLAIN = "RPUSH"
RETRY = Verdict.RETRY
_COUNT = re.compile(rb"[0-9]{1,15}")
_ID = re.compile("[0-9]{1,20}-[0-9]{1,20}")
TAKEN_BYTES = 4 << 20  # about so many are taken in one go
MOST_TOGETHER = 1000  # numbers of messages that a script is given for one verdict
MOST_LETTERS = 200  # ids of dead letters that one command is given, so that others get a turn


class RedisBroker(AbstractQueueBroker):
    """
    Queues on Redis, each a list of its name::

        broker = RedisBroker("redis://localhost/7", log=custom_logger)
        await broker.mailer.send({"text": "Hi", "email": "user@example.org"})

    Pushing a JSON object to the right end of the list (RPUSH) sends a message, so any client can. Messages that are
    held, that wait for a retry, and dead letters are kept in keys that begin with ``{name}:``, with the body unchanged.

    :param dsn: as for :class:`RedisSignalBus`
    :param options: those of :class:`AbstractQueueBroker`; ``retry`` takes precedence over ``ROLLBACK_ATTEMPTS``
    """

    SCHEMES = SCHEMES

    WAIT_TIME: float = 15
    """Seconds that one blocking wait for a message lasts."""
    BIND_TIME: float = 1
    """Seconds between two checks for expired leases and due retries."""
    ROLLBACK_ATTEMPTS: int = 3
    """Number of retries before a message becomes a dead letter."""

    def __init__(
        self,
        dsn: str,
        uid: str | None = None,
        log: logging.Logger = logging.getLogger("microagent.broker"),  # noqa: B008 - the manual's signature
        *,
        WAIT_TIME: float | None = None,  # noqa: N803 - the manual's names
        BIND_TIME: float | None = None,  # noqa: N803 - the manual's names
        ROLLBACK_ATTEMPTS: int | None = None,  # noqa: N803 - likewise
        **options: Unpack[BrokerOptions],
    ) -> None:
        given = {"WAIT_TIME": WAIT_TIME, "BIND_TIME": BIND_TIME, "ROLLBACK_ATTEMPTS": ROLLBACK_ATTEMPTS}
        for name, value in given.items():
            if value is not None:
                setattr(self, name, value)
        super().__init__(dsn, uid, log, **options)
        self._chosen = options.get("retry")
        self._check()
        self._servers = servers_of(dsn)
        self._sending = Lines(self._servers, lambda: self._link.look(self._sending.to("").check))
        self._consuming = Lines(self._servers)
        self._doorbells: dict[str, Doorbell] = {}
        self._due: dict[str, float] = {}  # when there is something to take at the latest, on the loop's clock

    def _check(self) -> None:
        """:raises ConfigurationError: if what the manual calls in capitals is no such number"""
        duration("WAIT_TIME", self.WAIT_TIME)
        duration("BIND_TIME", self.BIND_TIME)
        self._policy()

    def _policy(self) -> RetryPolicy:
        return self._chosen or RetryPolicy(retries=self.ROLLBACK_ATTEMPTS)

    async def _open(self) -> None:
        await self._servers.find()
        line = self._sending.to("")
        await line.check()
        await check_release(line)

    async def _close(self) -> None:
        for name in tuple(self._doorbells):
            await self._detach(name)
        await self._sending.close()
        await self._consuming.close()

    async def _push(self, batch: Sequence[Outgoing]) -> Stored:
        faults: dict[str, Exception | None] = {}
        pushes = _pushes(batch)
        for line, keys in _grouped(pushes, self._sending.to):
            try:
                answers = await DELAY.ask(line, *(pushes[key] for key in keys))
            except BackendConnectionError as error:
                answers = [error] * len(keys)
            faults |= _faults(keys, answers)
        raise_if_in_vain([*faults.values()])
        return _stored(batch, faults)

    def _begin(self, batch: Sequence[Outgoing], told: Callable[[Stored | None], None]) -> bool:
        pushes = _pushes(batch)
        lines = {self._sending.to(key) for key in pushes}
        if len(lines) != 1 or not all(command[0] == PLAIN for command in pushes.values()):
            return False

        def answered(answers: list[Any] | BackendError) -> None:
            answers = [answers] * len(pushes) if isinstance(answers, BackendError) else answers
            told(None if is_in_vain(answers) else _stored(batch, _faults(pushes, answers)))

        return lines.pop().begin([*pushes.values()], answered)

    async def _take(self, name: str, limit: int) -> list[Delivery]:
        call = Call(Keys(name), (limit, _milliseconds(self._lease), TAKEN_BYTES))
        ((due, token, again, first, bodies),) = await TAKE.run(self._consuming.to(name), call)
        self._note_due(name, due)
        taken = [
            Delivery(name, body, failed + 1, crashed, number.decode(), token) for number, body, failed, crashed in again
        ]
        taken += [Delivery(name, body, 1, 0, str(number), token) for number, body in enumerate(bodies, first)]
        return taken

    async def _wait(self, name: str, timeout: float) -> None:
        if name in self._due:
            timeout = min(timeout, max(0.0, self._due[name] - _now()))
        await self._doorbells[name].wait(timeout)

    async def _settle(self, batch: Sequence[Delivery]) -> None:
        by_queue = _grouped(batch, attrgetter("queue"))
        for line, parts in _grouped(by_queue, lambda part: self._consuming.to(part[0])):
            await SETTLE.run(line, *(Call(Keys(name), tuple(_verdicts(deliveries))) for name, deliveries in parts))
        for name, deliveries in by_queue:
            if name in self._doorbells and any(each.verdict is RETRY for each in deliveries):
                self._doorbells[name].ring()  # it may be due before anything else is

    async def _renew(self, held: Sequence[Delivery]) -> set[Delivery]:
        lost: set[Delivery] = set()
        for name, deliveries in _grouped(held, lambda delivery: delivery.queue):
            leases = [part for delivery in deliveries for part in (delivery.id, delivery.token)]
            call = Call(Keys(name), (_milliseconds(self._lease), *leases))
            (numbers,) = await RENEW.run(self._consuming.to(name), call)
            gone = {number.decode() for number in numbers}
            lost.update(delivery for delivery in deliveries if delivery.id in gone)
        return lost

    async def _maintain(self, name: str) -> float:
        (due,) = await MAINTAIN.run(self._consuming.to(name), Call(Keys(name), ()))
        self._note_due(name, due)
        pause = min(self.BIND_TIME, self._lease / 4)
        return min(pause, due / 1000) if due >= 0 else pause

    async def _length(self, name: str) -> int:
        keys = Keys(name)
        asked = self._sending.to(name).ask(("LLEN", keys.list), ("ZCARD", keys.ready), ("ZCARD", keys.delayed))
        return sum(checked(await asked))

    async def _dead(self, name: str, limit: int) -> list[DeadLetter]:
        asked = self._sending.to(name).ask(("XRANGE", Keys(name).dead, "-", "+", "COUNT", limit))
        (entries,) = checked(await asked)
        return [_dead_letter(name, key, fields) for key, fields in entries]

    async def _resend(self, name: str, letters: Sequence[DeadLetter]) -> int:
        calls = [Call(Keys(name), ids) for ids in _ids(letters)]
        return sum(await RESEND.run(self._sending.to(name), *calls)) if calls else 0

    async def _discard(self, name: str, letters: Sequence[DeadLetter]) -> int:
        removals = [("XDEL", Keys(name).dead, *ids) for ids in _ids(letters)]
        return sum(checked(await self._sending.to(name).ask(*removals))) if removals else 0

    async def _attach(self, consumer: Consumer, options: ConsumingOptions) -> None:
        name = consumer.queue.name
        await self._detach(name)
        await self._maintain(name)  # whoever may not do this is told so at the start
        keys = Keys(name)
        self._doorbells[name] = Doorbell(*(self._watch(key) for key in (keys.list, keys.bell)))

    def _watch(self, key: str) -> Watch:
        return Watch(self._servers.line(self._servers.address(key)), key, self.WAIT_TIME)

    async def _detach(self, name: str) -> None:
        self._due.pop(name, None)
        if name in self._doorbells:
            await self._doorbells.pop(name).close()

    def _note_due(self, name: str, milliseconds: int) -> None:
        if milliseconds >= 0:
            self._due[name] = _now() + milliseconds / 1000
        else:
            self._due.pop(name, None)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _milliseconds(seconds: float) -> int:
    return ceil(seconds * 1000)


def _grouped(items: Iterable[T], key: Callable[[T], K]) -> list[tuple[K, list[T]]]:
    """Items by their key, keys and items in the order of their first appearance."""
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.items())


def _pushes(batch: Sequence[Outgoing]) -> dict[str, Command]:
    """For each key that messages go to, one command: all that is to be in it."""
    bodies: dict[str, list[bytes]] = {}
    later: dict[str, list[int | bytes]] = {}
    for message in batch:
        if not message.delay:
            bodies.setdefault(message.queue, []).append(message.body)
        else:
            later.setdefault(message.queue, []).extend((_milliseconds(message.delay), message.body))
    pushes: dict[str, Command] = {queue: (PLAIN, queue, *those) for queue, those in bodies.items()}
    for queue, delays_and_bodies in later.items():
        keys = Keys(queue)
        pushes[keys.delayed] = DELAY.command(Call(keys, delays_and_bodies))
    return pushes


def _faults(keys: Iterable[str], answers: Sequence[Any]) -> dict[str, Exception | None]:
    """For each key None, or why its messages are not, or may not be, in it."""
    told = zip(keys, answers, strict=True)
    return {key: answer if isinstance(answer, Exception) else None for key, answer in told}


def _stored(batch: Sequence[Outgoing], faults: Mapping[str, Exception | None]) -> Stored:
    return [faults[message.queue if not message.delay else Keys(message.queue).delayed] for message in batch]


def _verdicts(deliveries: Iterable[Delivery]) -> Iterator[str | int]:
    """As the script takes them: what is done together, by token."""
    done: dict[int, list[str]] = {}
    for delivery in deliveries:
        verdict = delivery.verdict
        assert verdict is not None, "only what is settled comes here"
        if verdict is ACK:
            done.setdefault(delivery.token, []).append(delivery.id)
        else:
            argument = _milliseconds(delivery.delay) if verdict is RETRY else delivery.reason
            yield from (delivery.token, verdict.value, argument, 1, delivery.id)
    for token, numbers in done.items():
        for start in range(0, len(numbers), MOST_TOGETHER):
            part = numbers[start : start + MOST_TOGETHER]
            yield from (token, ACK.value, "", len(part), *part)


def _ids(letters: Sequence[DeadLetter]) -> list[tuple[str, ...]]:
    """Of their entries, a portion at a time; what is no id of the stream's names no letter."""
    ids = [letter.id for letter in letters if _ID.fullmatch(letter.id)]
    return [tuple(ids[start : start + MOST_LETTERS]) for start in range(0, len(ids), MOST_LETTERS)]


def _dead_letter(queue: str, key: bytes, fields: list[bytes]) -> DeadLetter:
    """What was buried, read back; what somebody else put there has no reason and no attempts."""
    told = dict(zip(fields[::2], fields[1::2], strict=True))
    attempts, milliseconds = told.get(b"attempts", b""), int(key.partition(b"-")[0])
    return DeadLetter(
        queue,
        told.get(b"body", b""),
        told.get(b"reason", b"").decode(errors="replace"),
        int(attempts) if _COUNT.fullmatch(attempts) else 0,
        _time(told.get(b"time", b"")) or milliseconds / 1000,
        id=key.decode(),
    )


def _time(text: bytes) -> float:
    """Seconds since the epoch; 0 if it says none."""
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return seconds if isfinite(seconds) else 0.0
