"""Consuming one queue: reading ahead, running the handler, settling what became of it."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from operator import attrgetter
from typing import Any, Protocol

from microagent.admission import Admission
from microagent.delivery import Delivery
from microagent.errors import BackendConnectionError, SerializingError
from microagent.execution import Deadlines, Ending, Outcome, Runner, describe, log_failure
from microagent.holding import Holding
from microagent.intake import Intake
from microagent.options import ConsumingOptions
from microagent.prefetch import Prefetch
from microagent.printable import printable
from microagent.queue import Consumer
from microagent.settling import Settling, Verdicts
from microagent.solitude import Solitude, is_suspect
from microagent.tasks import GRACE, Kept, Tasks

__all__ = ["ConsumingOptions", "Source", "Worker"]

LONGEST_ID = 100  # characters of an id in the log, which a stranger may have chosen
WAIT = 15.0  # longest wait for a message in one go, in seconds

_crashes = attrgetter("crashes")


class Source(Protocol):
    """
    One queue on its server, as its worker sees it. Losing the server is not an error here but an empty answer.

    :ivar keeps_places: what is handed back comes again before all that was behind it
    """

    keeps_places: bool

    async def ready(self) -> None:
        """Return when the server is there."""

    async def take(self, limit: int) -> Sequence[Delivery]:
        """Up to ``limit`` messages, at once."""
        ...

    async def wait(self, timeout: float) -> None:
        """Return when there may be something to take, or after ``timeout`` seconds."""

    async def pause(self) -> None:
        """Hold nothing that was not taken, until the next ``take``."""

    async def renew(self, held: Sequence[Delivery]) -> set[Delivery]:
        """Lengthen the leases; the deliveries that somebody else has by now."""
        ...

    async def maintain(self) -> float:
        """Do what is due on the server; seconds until it is due again."""
        ...

    def settle(self, verdicts: "Verdicts") -> None:
        """Fetch these verdicts soon, and send them. Asked for once, until they are fetched."""

    def move(self, verdicts: "Verdicts") -> None:
        """Likewise; they take longer, so that no others are to wait for them."""


class Worker:
    """
    Reads one queue and runs its handler: one reader, ``concurrency`` slots, one ticker for leases.

    Nothing leaves the server before its handler ended; what is held when the worker stops is handed back.
    """

    def __init__(
        self,
        source: Source,
        consumer: Consumer,
        options: ConsumingOptions,
        admission: Admission,
        log: logging.Logger,
        *,
        solitude: Solitude | None = None,
    ) -> None:
        self.consumer = consumer
        self.options = options
        self._source = source
        self._log = log
        self._name = consumer.queue.name
        self._intake = Intake(consumer, admission)
        self._prefetch = Prefetch(options.concurrency, options.prefetch)
        self._deadlines = Deadlines()
        self._solitude = solitude or Solitude()
        self._is_wary = False  # the last message was suspected, and the next one may be
        self._background = Tasks(self._log)
        self._slots = Tasks(self._log)
        self._held = Holding()
        self._lease = 0.0
        self._waiting: deque[Delivery] = deque()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._room = asyncio.Event()
        self._settling = Settling(source.settle, source.move, self._settled_on_server, self._room.set)
        self._reader: Kept | None = None
        self._taking = False
        self._stopping = False
        self.failing: bool = False

    @property
    def held(self) -> int:
        """Messages that this process holds now."""
        return len(self._held)

    @property
    def healthy(self) -> bool:
        return self._reader is not None and self._reader.is_running and not self.failing

    def start(self, lease: float) -> None:
        """Begin to read. ``lease``: seconds after which the server gives up on a silent holder."""
        key = self.consumer.key
        self._lease = lease
        self._solitude.join(self)
        for _ in range(self.options.concurrency):
            self._open_slot()
        self._reader = self._background.keep(self._read, f"{key}: reader")
        self._background.keep(partial(self._keep_leases, lease / 3), f"{key}: leases")
        self._background.keep(self._keep_house, f"{key}: maintenance")

    def begin_no_more(self) -> None:
        """No handler starts from now on; to be stopped."""
        self._stopping = True

    async def stop(self, timeout: float) -> None:
        """
        Take nothing more, hand back what waits, let handlers finish within ``timeout`` seconds, cancel and hand back
        the rest. A stop that is cancelled hurries, and leaves nothing either.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        self.begin_no_more()
        try:
            await self._stop_reading(timeout + GRACE)
            self._hand_back(self._waiting)
            self._wake(len(self._idle))
            await self._slots.drain(max(0.0, deadline - asyncio.get_running_loop().time()))
        finally:
            try:
                await self._slots.cancel()
            finally:  # also of a handler that stops what it runs in, which cancels this by being cancelled
                await self._let_go()

    async def _let_go(self) -> None:
        self._hand_back(self._held)
        try:
            await self._flushed(GRACE)
        finally:
            self._solitude.leave(self)
            self._held.clear()
            await self._background.cancel()
            self._deadlines.close()

    async def _stop_reading(self, timeout: float) -> None:
        if self._reader is None:
            return
        self._reader.release()
        if not self._reader.task.done():  # it is done when its loop has ended before us
            if not self._taking:  # a take is never cut short: what it brings must be handed back
                self._reader.task.cancel()
            await asyncio.wait([self._reader.task], timeout=timeout)

    def _hand_back(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in tuple(deliveries):
            delivery.release()  # nothing, if it is settled
        self._waiting.clear()

    async def _flushed(self, timeout: float) -> None:
        """Wait until the server knows of every verdict."""
        try:
            async with asyncio.timeout(timeout):
                await self._held.emptied()
        except TimeoutError:
            self._log.warning("%s: %d messages could not be settled", self._name, len(self._held))

    # -- reading

    async def _read(self) -> None:
        while not self._stopping:
            try:
                await self._source.ready()
                await self._fill()
            except Exception:  # noqa: BLE001 - the reader never ends
                self.failing = True
                self._log.exception("%s: the reader failed, and starts again", self.consumer.key)
                await asyncio.sleep(1)
                self.failing = False

    async def _fill(self) -> None:
        """Take what there is room for; when there is nothing, wait for it."""
        if self._solitude.is_anothers(self):
            await self._solitude.over()
            return
        if not (count := self._to_take()):
            self._settling.enough = self._prefetch.enough
            self._room.clear()
            await self._room.wait()
        elif not await self._take(count) and not self._stopping:
            await self._source.wait(WAIT)

    def _to_take(self) -> int:
        """How many there is room for."""
        if self._is_wary:
            return int(not self._held)
        return self._prefetch.to_take(len(self._held), self._settling.count, len(self._waiting))

    async def _take(self, limit: int) -> int:
        deliveries = await self._obtain(limit)
        if any(map(_crashes, deliveries)) and any(map(is_suspect, deliveries)):
            await self._isolate(deliveries)
        elif deliveries:
            self._is_wary = False
            self._waiting.extend(deliveries)
            self._wake(1)  # a slot goes on with what waits, and needs others only if its handler waits for something
        return len(deliveries)

    async def _obtain(self, limit: int) -> Sequence[Delivery]:
        """Hold up to ``limit`` more, unless nothing may be begun by now."""
        self._taking, until = True, self._leased_until()
        try:
            deliveries = await self._source.take(limit)
        finally:
            self._taking = False
            self._held.changed()
        settle = self._settling.settle
        for delivery in deliveries:
            delivery.on_verdict = settle
        self._held.add(deliveries, until)
        if self._stopping or self._solitude.is_anothers(self):
            self._hand_back(deliveries)
            return ()
        return deliveries

    async def _isolate(self, deliveries: Sequence[Delivery]) -> None:
        """Run the first suspect among these while nothing else is held; all others are handed back."""
        self._is_wary = True
        is_alone = self._solitude.held == len(deliveries)
        suspect = next(filter(is_suspect, deliveries)) if is_alone or not self._source.keeps_places else None
        aside = [*self._set_aside(), *(each for each in deliveries if each is not suspect)]
        async with self._solitude.of(self, self._give_up(aside, suspect)):
            for delivery in [suspect] if suspect is not None else await self._obtain(1):
                if is_suspect(delivery):
                    told = self._name, _called(delivery), delivery.crashes
                    self._log.warning("%s: %s, which %d processes died with, runs alone", *told)
                self._waiting.append(delivery)
                self._wake(1)
            await self._held.emptied()

    async def rest(self) -> None:
        """Begin nothing more, hand back what waits, and return when nothing is held any more."""
        await self._give_up(self._set_aside())

    def _set_aside(self) -> list[Delivery]:
        """What waits, so that nobody begins it."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    async def _give_up(self, aside: list[Delivery], but: Delivery | None = None) -> None:
        while self._taking:
            await self._held.change()
        await self._source.pause()  # before what is handed back makes room for more
        self._hand_back(aside)
        await self._held.emptied(but)

    def _go_on(self) -> None:
        """The handler that was begun last waits for something."""
        if self._waiting:
            self._wake(len(self._waiting))
        else:
            self._room.set()

    def _wake(self, count: int) -> None:
        for _ in range(min(count, len(self._idle))):
            slot = self._idle.popleft()
            if not slot.done():
                slot.set_result(None)

    # -- handling

    def _open_slot(self) -> None:
        self._slots.spawn(self._slot(), self.consumer.key)

    async def _slot(self) -> None:
        consumer = self.consumer
        runner = Runner(
            consumer.handler,
            consumer.timeout,
            self._deadlines,
            done=self._done,
            failed=self._failed,
            owner=consumer.agent,
            abandon=self._abandon,
            waits=self._go_on,
        )
        await runner.drive(self._work(runner))

    async def _work(self, runner: Runner[Delivery]) -> None:
        while await runner.run_all(self._ready(runner)) is None and not self._stopping:
            await self._something_to_do()
            runner.tick()

    def _ready(self, runner: Runner[Delivery]) -> Iterator[tuple[Delivery, Mapping[str, Any]]]:
        """What may be handled now, one after the other, and what to call the handler with."""
        waiting, settling, prefetch, held = self._waiting, self._settling, self._prefetch, self._held
        while waiting and settling.count < prefetch.most_unsettled and not self._stopping:
            delivery = waiting.popleft()
            if (delivery.lost or runner.now > held.sure) and self._is_given_up(delivery, runner.now):
                continue
            if (arguments := self._arguments(delivery)) is not None:
                yield delivery, arguments

    def _is_given_up(self, delivery: Delivery, now: float) -> bool:
        """
        Whether somebody else may have it by now: it was lost with its connection, or its lease was not renewed because
        this process stood still; then it goes back.
        """
        if delivery.lost:
            self._held.drop([delivery])
            self._room.set()
            return True
        is_overdue = self._held.is_overdue(delivery, now)
        if is_overdue:
            delivery.release()
        return is_overdue

    async def _something_to_do(self) -> None:
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._idle.append(slot)
        self._room.set()
        await slot

    def _arguments(self, delivery: Delivery) -> Mapping[str, Any] | None:
        """What to call the handler with; None for what it is not called with, now or ever."""
        try:
            return self._intake.arguments(delivery)
        except SerializingError as error:
            self._bury(delivery, str(error))
        except Exception as error:  # noqa: BLE001 - whatever reading a message comes upon, the slot goes on
            self._log.exception("%s: %s cannot be looked at", self._name, _called(delivery))
            self._try_again(delivery, describe(error))
        return None

    def _done(self, delivery: Delivery, value: Any, seconds: float) -> None:
        self._prefetch.ran(seconds)
        if self.options.autoack:
            delivery.ack()
        elif not delivery.settled:
            self._try_again(delivery, "left unsettled by its handler")

    def _failed(self, delivery: Delivery, outcome: Outcome) -> None:
        if outcome.ending is not Ending.ABANDONED:
            run = f"{self.consumer.key} ({_called(delivery)}, attempt {delivery.attempt})"
            log_failure(self._log, run, outcome)
            self._conclude(delivery, outcome)

    def _abandon(self, delivery: Delivery, outcome: Outcome, task: asyncio.Task[Any]) -> None:
        """A handler that ignores its cancellation keeps its task; its message and its place go on without it."""
        self._slots.leave_behind(task)
        self._conclude(delivery, outcome)
        self._open_slot()

    def _bury(self, delivery: Delivery, reason: str) -> None:
        self._log.error("%s: %s is buried: %s", self._name, _called(delivery), printable(reason))
        delivery.bury(reason)

    def _conclude(self, delivery: Delivery, outcome: Outcome) -> None:
        """Settle what was not handled."""
        self._prefetch.ran(outcome.seconds)
        if outcome.ending is Ending.CANCELLED:
            delivery.release()
        elif not delivery.settled:
            self._try_again(delivery, outcome.reason)

    def _try_again(self, delivery: Delivery, reason: str) -> None:
        delay = self.options.retry.next_delay(delivery.attempt)
        if delay is None:
            self._bury(delivery, reason)
        else:
            told = self._name, _called(delivery), delay, delivery.attempt
            self._log.info("%s: %s comes again in %.1f s, after attempt %d", *told)
            delivery.retry(delay, reason)

    def _settled_on_server(self, deliveries: Sequence[Delivery]) -> None:
        self._held.drop(deliveries)
        self._room.set()
        if self._waiting:
            self._wake(len(self._waiting))

    # -- keeping

    async def _keep_leases(self, period: float) -> None:
        while True:
            await asyncio.sleep(period)
            held, until = self._held.unsettled(), self._leased_until()
            if not held or (gone := await self._attempt(self._source.renew(held))) is None:
                continue
            for lost in self._held.renew(held, gone, until):
                self._room.set()
                with suppress(ValueError):  # it is handled just now
                    self._waiting.remove(lost)
                self._log.warning("%s: the lease of %s ran out, somebody else has it now", self._name, _called(lost))

    def _leased_until(self) -> float:
        """When the lease ends of what is asked for now."""
        return asyncio.get_running_loop().time() + self._lease

    async def _keep_house(self) -> None:
        while True:
            due = await self._attempt(self._source.maintain())
            await asyncio.sleep(1.0 if due is None else max(due, 0.01))

    async def _attempt(self, operation: Awaitable[Any]) -> Any:
        """Its result, or None when it failed: there is a next time."""
        try:
            return await operation
        except BackendConnectionError:
            return None  # the reader says so, and waits for the server
        except Exception:  # noqa: BLE001 - the ticker never ends
            self._log.exception("%s: keeping the queue failed, and is tried again", self._name)
            return None


def _called(delivery: Delivery) -> str:
    """How the log calls a message: by the id that its server or its sender gave it."""
    return f"message {printable(str(delivery.id), LONGEST_ID)}" if delivery.id else "a message"
