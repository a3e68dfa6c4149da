"""Signals that came in, on their way to the receivers of this process."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from microagent import codec
from microagent.admission import Admission
from microagent.calls import Reply
from microagent.channel import Channel
from microagent.counted import CountedLog
from microagent.errors import SerializingError, SignalSerializingError
from microagent.execution import Deadlines, Ending, Outcome, Runner, describe, log_failure
from microagent.signal import Receiver
from microagent.signatures import accepted, clash, clash_problem
from microagent.tasks import Tasks

RUNNING = 100  # handlers of one receiver that run at once
WAITING = 10_000  # signals that wait for one receiver; what comes beyond them is dropped
WAITING_BYTES = 64 * 1024 * 1024  # of their bodies together, likewise


@dataclass(slots=True)
class Answer:
    """Collects what the handlers of this process answer to one call, and sends it when the last of them has."""

    channel: Channel
    open: int
    send: Callable[["Answer"], None]
    reply: Reply = field(default_factory=Reply)

    def add(self, key: str, value: Any, error: str | None) -> None:
        if error is None:
            self.reply.values[key] = value
        else:
            self.reply.errors[key] = error
        self.open -= 1
        if not self.open:
            self.send(self)


@dataclass(slots=True)
class Job:
    """One signal for one receiver."""

    arguments: dict[str, Any]
    answer: Answer | None
    size: int  # bytes that it came in


class Lane:
    """
    The way of signals to one receiver: started in order of arrival, so many at once, so many waiting.

    A task is made for a burst and not for a signal: it goes on with what waits. As soon as a handler waits for
    something, others go on in its place.
    """

    def __init__(self, receiver: Receiver, admission: Admission, log: logging.Logger) -> None:
        self.receiver = receiver
        self.read = admission.reader(receiver.signal)
        self._handler = receiver.handler
        self._names = accepted(receiver.handler)
        self._clash = clash(receiver.handler)
        self._admission = admission
        self._tasks = Tasks(log)
        self._deadlines = Deadlines()
        self._log = log
        self._running = 0
        self._coming = 0  # tasks that have not begun yet
        self._going_on = False  # a task is at it, and takes what waits without giving way
        self._soon: deque[Job] = deque()  # they begin in this turn of the loop or the next
        self._waiting: deque[Job] = deque()
        self._waiting_bytes = 0
        self._dropped = CountedLog(log, f"{receiver.key} is too slow: %d signals '{receiver.signal.name}' dropped")

    def put(self, job: Job, *, at_once: bool = False) -> None:
        """
        Let the handler have it, soon.

        :param at_once: it begins before this returns, if there is room for it; for what comes alone
        """
        if self._clash is not None and self._clash in job.arguments:
            problem = clash_problem(self._clash, self.receiver.key)
            self._log.warning("A signal is dropped: %s", problem)
            self._finish(job, error=f"SignalSerializingError: {problem}")
        elif self._is_taken(job):
            if not self._going_on:
                self._begin(1, at_once=at_once)
        else:
            self._dropped.add()
            self._finish(job, error="OverflowError: too many signals wait for this handler")

    def _is_taken(self, job: Job) -> bool:
        """Whether there is room for it among those that begin soon, or among those that wait."""
        if not self._waiting and len(self._soon) < RUNNING - self._running:
            self._soon.append(job)
        elif len(self._waiting) < WAITING and self._waiting_bytes + job.size <= WAITING_BYTES:
            self._waiting.append(job)
            self._waiting_bytes += job.size
        else:
            return False
        return True

    @property
    def _left(self) -> int:
        """Those that have not begun."""
        return len(self._soon) + len(self._waiting)

    def _next(self) -> Job:
        if self._soon:
            return self._soon.popleft()
        job = self._waiting.popleft()
        self._waiting_bytes -= job.size
        return job

    def _begin(self, count: int, *, at_once: bool = False) -> None:
        """Let so many tasks more take what waits, or as many as may run."""
        for _ in range(min(count, RUNNING - self._running - self._coming)):
            self._going_on = True
            self._coming += 1
            self._tasks.spawn(self._work(), self.receiver.key, at_once=at_once)

    def _pass_on(self) -> None:
        """The handler that is under way waits for something."""
        self._going_on = False
        self._begin(self._left)

    async def drain(self, timeout: float) -> None:
        """Let what runs and what waits finish within ``timeout`` seconds; cancel the rest."""
        await self._tasks.drain(timeout)
        while self._left:
            self._finish(self._next(), error="CancelledError: the agent stopped")
        await self._tasks.cancel()
        self._dropped.flush()
        self._deadlines.close()

    async def _work(self) -> None:
        receiver = self.receiver
        runner = Runner(
            self._handler,
            receiver.timeout,
            self._deadlines,
            done=self._done,
            failed=self._failed,
            owner=receiver.agent,
            abandon=self._abandon,
            waits=self._pass_on,
        )
        await runner.drive(self._handle_all(runner))

    async def _handle_all(self, runner: Runner[Job]) -> None:
        self._coming -= 1
        self._running += 1
        ending = None
        try:
            ending = await runner.run_all(self._jobs())
        finally:
            self._going_on = False
            if ending is not Ending.ABANDONED:
                self._running -= 1

    def _jobs(self) -> Iterator[tuple[Job, Mapping[str, Any]]]:
        """One after the other, with what its handler takes of its arguments."""
        names = self._names
        while self._left:
            self._going_on = True
            job = self._next()
            arguments = job.arguments
            if names is not None:
                arguments = {name: arguments[name] for name in names if name in arguments}
            yield job, arguments

    def _done(self, job: Job, value: Any, seconds: float) -> None:
        if job.answer is not None:
            self._finish(job, value)

    def _failed(self, job: Job, outcome: Outcome) -> None:
        if outcome.ending is not Ending.ABANDONED:
            log_failure(self._log, self.receiver.key, outcome)
            self._finish(job, error=outcome.reason)

    def _abandon(self, job: Job, outcome: Outcome, task: asyncio.Task[Any]) -> None:
        """A handler that ignores its cancellation keeps its task; its caller and its place go on without it."""
        self._tasks.leave_behind(task)
        self._finish(job, error=outcome.reason)
        self._running -= 1
        self._begin(self._left)

    def _finish(self, job: Job, value: Any = None, error: str | None = None) -> None:
        if job.answer is None:
            return
        if error is None:
            error = self._objection(value)
        job.answer.add(self.receiver.key, value, error)

    def _objection(self, value: Any) -> str | None:
        """Why the value that a handler returned cannot be its answer."""
        try:
            codec.encode(value)
        except SerializingError as error:
            self._log.error("%s returned what cannot be sent: %s", self.receiver.key, error)
            return describe(error)
        return self._admission.answer_refusal(self.receiver.signal, value, self.receiver.key)


class Dispatch:
    """
    Decodes, checks and hands out the signals that a bus receives.

    :param reply: sends the reply to a call: ``reply(channel of the call, reply)``
    """

    def __init__(self, log: logging.Logger, admission: Admission, reply: Callable[[Channel, Reply], None]) -> None:
        self._log = log
        self._admission = admission
        self._reply = reply
        self._lanes: dict[str, list[Lane]] = {}

    def add(self, receiver: Receiver) -> None:
        lane = Lane(receiver, self._admission, self._log)
        self._lanes.setdefault(receiver.signal.name, []).append(lane)

    async def remove(self, receivers: Iterable[Receiver], timeout: float) -> None:
        """Take receivers out at once, then let their handlers finish within ``timeout`` seconds."""
        chosen = {id(receiver) for receiver in receivers}
        gone = [lane for lanes in self._lanes.values() for lane in lanes if id(lane.receiver) in chosen]
        kept = {name: [lane for lane in lanes if lane not in gone] for name, lanes in self._lanes.items()}
        self._lanes = {name: lanes for name, lanes in kept.items() if lanes}
        await asyncio.gather(*(lane.drain(timeout) for lane in gone))

    def deliver(self, channel: Channel, body: bytes, *, at_once: bool = False) -> None:
        """
        Start the handlers of one signal; one that makes no sense is a log line, and told to who calls.

        :param at_once: they begin before this returns; for a signal that comes alone
        """
        lanes = self._lanes.get(channel.signal)
        if not lanes:
            return
        answer = None if channel.request_id is None else Answer(channel, len(lanes), self._send)
        signal = lanes[0].receiver.signal
        try:
            data = self._read(lanes[0], body)
        except SerializingError as error:
            if answer is not None:
                for lane in lanes:
                    answer.add(lane.receiver.key, None, describe(error))
            return
        for lane in tuple(lanes):
            lane.put(Job({**data, "signal": signal, "sender": channel.sender}, answer, len(body)), at_once=at_once)

    def _read(self, lane: Lane, body: bytes) -> dict[str, Any]:
        """
        :raises SerializingError: if it is to be dropped, which the log says
        """
        if (data := lane.read(body)) is not None:
            return data
        signal = lane.receiver.signal
        try:
            data = signal.decode(body)
        except SerializingError as error:
            self._log.warning("A signal '%s' that cannot be read is dropped: %s", signal.name, describe(error))
            raise
        refusal = self._admission.refusal(signal, data)
        if refusal is not None:
            self._log.warning("A signal '%s' that does not fit is dropped: %s", signal.name, refusal)
            raise SignalSerializingError(refusal)
        return data

    def _send(self, answer: Answer) -> None:
        self._reply(answer.channel, answer.reply)
