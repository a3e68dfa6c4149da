"""Consuming one queue: reading ahead, running the handler, settling what became of it."""

import asyncio
import logging

import pytest
from support import unique, until

from microagent import Queue, RetryPolicy
from microagent import consuming as consuming_module
from microagent.admission import Admission
from microagent.consuming import ConsumingOptions, Worker
from microagent.delivery import Delivery, Verdict
from microagent.execution import Deadlines
from microagent.queue import Consumer

log = logging.getLogger("test.consuming")
POLICY = RetryPolicy(retries=1, first=0.5, jitter=0)


class Server:
    """One queue, as a worker sees it: hands out what is put, remembers verdicts, confirms them unless told not to."""

    keeps_places = True

    def __init__(self):
        self.messages = []
        self.verdicts = []
        self.limits = []
        self.unconfirmed = None
        self.lost = set()
        self.renewed = []
        self._more = asyncio.Event()

    def put(self, *bodies, **facts):
        deliveries = [Delivery("queue", body, **facts) for body in bodies]
        self.messages += deliveries
        self._more.set()
        return deliveries

    async def ready(self):
        pass

    async def take(self, limit):
        self.limits.append(limit)
        taken, self.messages = self.messages[:limit], self.messages[limit:]
        return taken

    async def wait(self, timeout):
        self._more.clear()
        await self._more.wait()

    async def pause(self):
        pass

    async def renew(self, held):
        self.renewed.append(list(held))
        return self.lost

    async def maintain(self):
        return 60.0

    def settle(self, verdicts):
        deliveries = verdicts.fetched()
        self.verdicts += deliveries
        if self.unconfirmed is None:
            verdicts.known(deliveries)
        else:
            self.unconfirmed.append((deliveries, verdicts.known))

    move = settle


class Handlers:
    """The agent: its ``handle`` does what the test says."""

    def __init__(self, do):
        self.do = do
        self.runs = []

    async def handle(self, **message):
        self.runs.append(message)
        return await self.do(**message)


@pytest.fixture
def server():
    return Server()


@pytest.fixture
async def work(server):
    """Starts a worker whose handler is given; stops it at the end."""
    workers = []

    def start(handler, *, timeout=60.0, lease=30.0, mode="warn", **options):
        queue = Queue(unique("queue"), payload={"type": "object", "properties": {"n": {"type": "integer"}}})
        dto = {name: options.pop(name) for name in ("dto_class", "dto_name") if name in options}
        consumer = Consumer(handler.__self__, handler, queue, timeout, options, **dto)
        own = ConsumingOptions.of(consumer, POLICY)
        workers.append(Worker(server, consumer, own, Admission(mode, log), log))
        workers[-1].start(lease)
        return workers[-1]

    yield start
    for worker in workers:
        await worker.stop(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def nothing(**message):
    pass


def told(server):
    return [(delivery.verdict, delivery.reason) for delivery in server.verdicts]


# -- what becomes of a message


async def test_message_that_is_handled_is_acknowledged(server, work):
    """After its handler ended, not before."""
    agent = Handlers(nothing)
    worker = work(agent.handle)
    server.put(b'{"n":1}')
    await until(lambda: server.verdicts)
    assert agent.runs == [{"n": 1}]
    assert told(server) == [(Verdict.ACK, "")]
    assert worker.held == 0


async def raises_error(**message):
    raise ValueError("no")


async def exits(**message):
    raise SystemExit(3)


async def cancels_itself(**message):
    raise asyncio.CancelledError


async def raises_group(**message):
    raise ExceptionGroup("both", [ValueError("a"), ValueError("b")])


FAILURES = {
    raises_error: "ValueError: no",
    exits: "SystemExit: 3",
    cancels_itself: "CancelledError: ",
    raises_group: "ExceptionGroup: both (2 sub-exceptions)",
}


@pytest.mark.parametrize(("do", "reason"), FAILURES.items(), ids=lambda value: getattr(value, "__name__", ""))
async def test_failed_run_is_retried_then_buried(server, work, do, reason):
    """By the policy: one retry after half a second; the slot that ran it goes on."""
    work(Handlers(do).handle, concurrency=1)
    server.put(b'{"n":1}')
    server.put(b'{"n":1}', attempt=2)
    await until(lambda: len(server.verdicts) == 2)
    assert told(server) == [(Verdict.RETRY, reason), (Verdict.BURY, reason)]
    assert server.verdicts[0].delay == 0.5


async def test_handler_that_ignores_its_cancellation_gives_its_place_away(server, work, caplog, monkeypatch):
    """After timeout and grace: the message is retried, the next is handled, and the late end changes nothing."""
    monkeypatch.setattr(consuming_module, "Deadlines", lambda: Deadlines(grace=0.02))
    gate = asyncio.Event()

    async def stubborn(n):
        while n == 1 and not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue

    worker = work(Handlers(stubborn).handle, timeout=0.02, concurrency=1)
    first, second = server.put(b'{"n":1}', b'{"n":2}')
    await until(lambda: len(server.verdicts) == 2)
    assert [(each, each.verdict) for each in server.verdicts] == [
        (first, Verdict.RETRY),
        (second, Verdict.ACK),
    ]
    assert "Handlers.handle ignores its cancellation and is left behind" in caplog.text
    gate.set()
    await until(lambda: len(worker._slots) == 1)
    assert len(server.verdicts) == 2


@pytest.mark.parametrize(
    ("body", "facts", "reason"),
    [
        (b"[]", {}, "JSON object"),
        (b"\xff", {}, ""),
        (b'{"n":' + b"[" * 100_000, {}, ""),
        (b'{"n":"one"}', {}, "does not fit its declaration"),
        (b'{"n":1}', {"crashes": 10}, "10 runs ended together with their process"),
    ],
)
async def test_message_that_no_run_can_help_is_buried_at_once(server, work, body, facts, reason):
    """Its handler never sees it."""
    agent = Handlers(nothing)
    work(agent.handle, mode="strict")
    server.put(body, **facts)
    await until(lambda: server.verdicts)
    [(verdict, why)] = told(server)
    assert verdict is Verdict.BURY
    assert reason in why
    assert agent.runs == []


async def test_dto_that_refuses_the_message_buries_it(server, work):
    """Whatever its class raises."""

    class Order:
        def __init__(self, n):
            raise LookupError(f"no order {n}")

    work(Handlers(nothing).handle, dto_class=Order)
    server.put(b'{"n":7}')
    await until(lambda: server.verdicts)
    assert told(server) == [(Verdict.BURY, "LookupError: no order 7")]


async def test_key_named_as_the_handlers_agent_buries_its_message(server, work):
    """A handler that takes anything cannot take this, in no run; the next message is handled."""
    agent = Handlers(nothing)
    work(agent.handle, concurrency=1)
    server.put(b'{"self":1}', b'{"n":2}')
    await until(lambda: len(server.verdicts) == 2)
    assert [delivery.verdict for delivery in server.verdicts] == [Verdict.BURY, Verdict.ACK]
    assert "it has a key 'self', which Handlers.handle" in server.verdicts[0].reason
    assert agent.runs == [{"n": 2}]


async def test_handler_gets_what_it_names(server, work):
    """``delivery`` is the delivery, whatever the message has under this name; ``amqp`` the driver's message."""
    seen = []

    class Agent:
        async def handle(self, delivery, amqp=None, **message):
            seen.append((delivery, amqp, message))

    work(Agent().handle)
    [sent] = server.put(b'{"n":1,"delivery":"forged"}', raw="the driver's own")
    await until(lambda: seen)
    assert seen == [(sent, "the driver's own", {"n": 1})]


async def test_what_a_handler_settles_it_settles(server, work):
    """With ``autoack=False``; what it leaves is retried."""

    class Agent:
        async def handle(self, delivery, n):
            if n:
                delivery.ack()

    work(Agent().handle, autoack=False)
    server.put(b'{"n":1}', b'{"n":0}')
    await until(lambda: len(server.verdicts) == 2)
    assert sorted(told(server), key=str) == [(Verdict.ACK, ""), (Verdict.RETRY, "left unsettled by its handler")]


# -- holding


async def test_no_more_is_held_than_the_prefetch(server, work):
    """Until the server knows what became of it: room is what is settled."""
    server.unconfirmed = []
    worker = work(Handlers(nothing).handle, prefetch=3, concurrency=3)
    server.put(*[b'{"n":1}'] * 10)
    await until(lambda: len(server.unconfirmed) == 3)
    assert worker.held == 3
    assert len(server.messages) == 7
    deliveries, known = server.unconfirmed[0]
    known(deliveries)
    await until(lambda: len(server.unconfirmed) == 4)
    assert server.limits[:2] == [3, 1]
    unconfirmed, server.unconfirmed = server.unconfirmed[1:], None
    for deliveries, known in unconfirmed:
        known(deliveries)
    await until(lambda: not server.messages)


async def test_no_more_is_done_than_the_server_knows_of(server, work):
    """But for as many as run at once, and a little: what is beyond them is begun when it has heard of some."""
    server.unconfirmed = []

    async def takes_time(n):
        await asyncio.sleep(0.02)

    agent = Handlers(takes_time)
    worker = work(agent.handle, concurrency=2, prefetch=20)
    server.put(*[b'{"n":1}'] * 20)
    with pytest.raises(TimeoutError):
        await until(lambda: len(agent.runs) > 5, patience=0.2)
    assert worker.held == 20
    unconfirmed, server.unconfirmed = server.unconfirmed, None
    for deliveries, known in unconfirmed:
        known(deliveries)
    await until(lambda: len(agent.runs) == 20)


async def test_lease_that_was_lost_is_not_settled(server, work, caplog):
    """Somebody else has the message now; its late verdict would touch theirs."""
    gate = asyncio.Event()
    worker = work(Handlers(lambda n: gate.wait()).handle, lease=0.03)
    [delivery] = server.put(b'{"n":1}')
    server.lost = {delivery}
    await until(lambda: worker.held == 0 and delivery.lost)
    gate.set()
    await until(lambda: delivery.settled)
    assert server.verdicts == []
    assert server.renewed[0] == [delivery]
    assert "the lease of a message ran out, somebody else has it now" in caplog.text


async def test_lost_message_that_waits_is_not_begun(server, work):
    """A slot passes it by."""
    gate = asyncio.Event()
    agent = Handlers(lambda n: gate.wait())
    worker = work(agent.handle, lease=0.03, concurrency=1, prefetch=2)
    _, second = server.put(b'{"n":1}', b'{"n":2}')
    server.lost = {second}
    await until(lambda: second.lost)
    gate.set()
    await until(lambda: worker.held == 0)
    assert agent.runs == [{"n": 1}]


async def test_message_that_is_lost_with_its_connection_is_not_begun(server, work):
    """Its backend knows that before any lease ends."""
    gate = asyncio.Event()
    agent = Handlers(lambda n: gate.wait())
    worker = work(agent.handle, concurrency=1, prefetch=2)
    _, second = server.put(b'{"n":1}', b'{"n":2}')
    await until(lambda: agent.runs and worker.held == 2)
    second.lost = True
    gate.set()
    await until(lambda: worker.held == 0)
    assert agent.runs == [{"n": 1}]


async def test_what_is_overdue_is_not_begun(server, work):
    """What waited here beyond its lease, because nobody could renew it, may be somebody else's by now: it goes back."""
    gate = asyncio.Event()

    async def never(held):
        await asyncio.Event().wait()

    server.renew = never
    agent = Handlers(lambda n: gate.wait())
    worker = work(agent.handle, lease=0.05, concurrency=1, prefetch=2)
    first, second = server.put(b'{"n":1}', b'{"n":2}')
    await until(lambda: agent.runs)
    sure = asyncio.get_running_loop().time() + 0.05
    await until(lambda: asyncio.get_running_loop().time() > sure)
    gate.set()
    await until(lambda: worker.held == 0)
    assert [(each, each.verdict) for each in server.verdicts] == [
        (first, Verdict.ACK),
        (second, Verdict.RELEASE),
    ]
    assert agent.runs == [{"n": 1}]


async def test_what_is_renewed_is_begun(server, work):
    """However long it has waited here."""
    gate = asyncio.Event()
    agent = Handlers(lambda n: gate.wait())
    worker = work(agent.handle, lease=1.0, concurrency=1, prefetch=2)
    server.put(b'{"n":1}', b'{"n":2}')
    await until(lambda: len(server.renewed) == 4)
    gate.set()
    await until(lambda: worker.held == 0)
    assert agent.runs == [{"n": 1}, {"n": 2}]


async def test_stop_hands_back_what_waits_and_lets_the_rest_finish(server, work):
    """What is handed back was not tried, so nothing is counted."""
    gate = asyncio.Event()
    worker = work(Handlers(lambda n: gate.wait()).handle, concurrency=1, prefetch=3)
    first, *others = server.put(b'{"n":1}', b'{"n":2}', b'{"n":3}')
    await until(lambda: worker.held == 3)
    stopping = asyncio.create_task(worker.stop(5))
    await until(lambda: len(server.verdicts) == 2)
    gate.set()
    await stopping
    assert [(each, each.verdict) for each in server.verdicts] == [
        *((other, Verdict.RELEASE) for other in others),
        (first, Verdict.ACK),
    ]


async def test_stop_hands_back_what_it_cancels(server, work):
    """A run that was cut short is none of the message's failures."""
    worker = work(Handlers(lambda n: asyncio.Event().wait()).handle)
    server.put(b'{"n":1}')
    await until(lambda: worker.held)
    await worker.stop(0)
    assert told(server) == [(Verdict.RELEASE, "")]
    assert worker.held == 0
    assert not worker.healthy


async def test_keeping_that_fails_is_told_and_tried_again(server, work, caplog):
    """A lease that could not be renewed once is renewed the next time."""
    renew, failures = server.renew, [RuntimeError("unforeseen")]

    async def renew_later(held):
        if failures:
            raise failures.pop()
        return await renew(held)

    server.renew = renew_later
    worker = work(Handlers(lambda n: asyncio.Event().wait()).handle, lease=0.03)
    server.put(b'{"n":1}')
    await until(lambda: server.renewed)
    assert "keeping the queue failed, and is tried again" in caplog.text
    await worker.stop(0)


async def test_log_tells_which_message_it_is_and_which_attempt(server, work, caplog):
    """By its id, which whoever looks for it on the server needs; one that a stranger chose is in one short line."""
    caplog.set_level(logging.INFO)

    def fail(n):
        raise ValueError(n)

    work(Handlers(fail).handle)
    server.put(b'{"n":1}', id="77", attempt=1)
    server.put(b'{"n":2}', id="a\nb" * 100, attempt=2)
    await until(lambda: len(server.verdicts) == 2)
    lines = [record.getMessage() for record in caplog.records]
    (failed,) = [line for line in lines if "(message 77, attempt 1) failed after" in line]
    (again,) = [line for line in lines if "message 77 comes again in 0.5 s, after attempt 1" in line]
    (buried,) = [line for line in lines if " is buried: ValueError: 2" in line]
    assert all(line.isprintable() for line in (failed, again, buried))
    assert "message a\\nb" in buried
    assert len(buried) < 250
