"""The queue broker, when its server is away, refuses, hangs or breaks."""

import asyncio
import gc
import logging

import pytest
from scripted import AWAY, ScriptedBroker
from support import settled, unique, until

from microagent import (
    AuthError,
    BackendConnectionError,
    BackendError,
    ConfigurationError,
    HandlerError,
    MicroAgent,
    Queue,
    QueueNotFound,
    RetryPolicy,
    consumer,
)
from microagent import link as link_module
from microagent.delivery import Outgoing, Verdict
from microagent.link import Interrupted
from microagent.roster import Roster
from microagent.tools.memory import MemoryBroker


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(link_module, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(link_module, "LONGEST_PAUSE", 0.002)


@pytest.fixture
def queue():
    return Queue(unique("queue"))


@pytest.fixture
async def broker():
    broker = ScriptedBroker(send_timeout=0.3, retry=RetryPolicy(retries=1, first=0.01))
    yield broker
    broker.script.mend()
    await broker.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def agent_of(queue, handle, **options):
    class Agent(MicroAgent):
        @consumer(queue, **options)
        async def handle(self, **message):
            return await handle(**message)

    return Agent


async def start(queue, broker, handle, **options):
    agent = agent_of(queue, handle, **options)(broker=broker)
    await agent.start()
    return agent


async def bodies(broker, queue):
    return [delivery.body for delivery in await MemoryBroker._take(broker, queue.name, 100)]


async def test_send_waits_for_a_server_that_is_away(broker, queue):
    """Whether it is away from the beginning or goes in between; then each message is there once."""
    broker.script.fail("_open", AWAY, AWAY)
    broker.script.fail("_push", AWAY, AWAY)
    await asyncio.gather(*(broker[queue.name].send({"n": n}) for n in range(5)))
    assert await bodies(broker, queue) == [b'{"n":%d}' % n for n in range(5)]


async def test_send_raises_once_its_timeout_has_passed(broker, queue):
    """To each sender, and what was not sent never is."""
    broker.script.is_away = True
    results = await asyncio.gather(*(broker[queue.name].send({"n": n}) for n in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [BackendConnectionError] * 3
    broker.script.mend()
    await broker[queue.name].send({"n": 4})
    assert await bodies(broker, queue) == [b'{"n":4}']


async def test_send_that_is_cancelled_in_an_outage_is_not_sent(broker, queue):
    """Its place in the batch is empty when the server is back."""
    broker.script.fail("_open", *[AWAY] * 5)
    first = asyncio.create_task(broker[queue.name].send({"n": 1}))
    await until(lambda: broker.script.calls["_open"] >= 2)
    second = asyncio.create_task(broker[queue.name].send({"n": 2}))
    third = asyncio.create_task(broker[queue.name].send({"n": 3}))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(first, third)
    assert second.cancelled()
    assert await bodies(broker, queue) == [b'{"n":1}', b'{"n":3}']


async def test_server_that_says_nothing_does_not_hold_a_sender(broker, queue):
    """An opening that hangs ends with the sender's timeout."""
    broker.script.hang("_open")
    with pytest.raises(BackendConnectionError, match="no connection in time"):
        await broker[queue.name].send({})


async def test_refusal_is_raised_at_once(broker, queue):
    """To a sender and to who starts an agent: waiting would not help."""
    broker.script.fail_always("_open", AuthError("wrong password"))
    with pytest.raises(AuthError):
        await broker[queue.name].send({})
    with pytest.raises(AuthError):
        await broker[queue.name].length()
    with pytest.raises(AuthError):
        await start(queue, broker, lambda: asyncio.sleep(0))


async def test_each_message_has_its_own_result(broker, queue, monkeypatch):
    """One that the server does not take fails alone."""

    async def push(batch):
        return [ValueError("too large") if b"2" in message.body else None for message in batch]

    monkeypatch.setattr(broker, "_push", push)
    results = await asyncio.gather(*(broker[queue.name].send({"n": n}) for n in (1, 2, 3)), return_exceptions=True)
    assert [str(result) for result in results] == ["None", "too large", "None"]


async def letters_of(broker, queue, *bodies):
    for body in bodies:
        await MemoryBroker._push(broker, [Outgoing(queue.name, body)])
    for delivery in await MemoryBroker._take(broker, queue.name, len(bodies)):
        await MemoryBroker._settle(broker, [settled(delivery, Verdict.BURY, reason="no")])
    return await MemoryBroker._dead(broker, queue.name, len(bodies))


@pytest.mark.parametrize("operation", ["resend", "discard"])
async def test_dead_letters_wait_for_a_server_that_is_away(broker, queue, operation):
    """As long as a sender would; what was not done is done then."""
    letters = await letters_of(broker, queue, b"1", b"2")
    broker.script.fail("_open", AWAY, AWAY)
    broker.script.fail(f"_{operation}", AWAY, AWAY)
    assert await getattr(broker[queue.name], operation)(*letters) == 2
    assert await bodies(broker, queue) == ([b"1", b"2"] if operation == "resend" else [])


@pytest.mark.parametrize("operation", ["resend", "discard"])
async def test_dead_letters_stay_when_the_server_does(broker, queue, operation):
    """Away, that is, beyond ``send_timeout``."""
    letters = await letters_of(broker, queue, b"1")
    broker.script.is_away = True
    with pytest.raises(BackendConnectionError, match="no connection in time: the server is away"):
        await getattr(broker[queue.name], operation)(*letters)
    broker.script.mend()
    assert await broker.dead(queue.name) == letters


@pytest.mark.parametrize(
    ("operation", "told"), [("resend", "may be in the queue already"), ("discard", "may be gone already")]
)
async def test_what_may_have_been_done_is_said_and_not_done_again(broker, queue, operation, told):
    """A message is sent again by who decides that it may come twice."""
    letters = await letters_of(broker, queue, b"1")
    broker.script.fail(f"_{operation}", Interrupted("the line went dead"))
    with pytest.raises(BackendConnectionError, match=f"{queue.name} on .*: the line went dead; .* {told}") as caught:
        await getattr(broker[queue.name], operation)(*letters)
    assert type(caught.value) is BackendConnectionError
    assert broker.script.calls[f"_{operation}"] == 1
    assert await broker.dead(queue.name) == letters


async def test_letter_stays_when_its_message_cannot_be_sent(broker, queue):
    """It goes after that, and not before."""
    letters = await letters_of(broker, queue, b"1")
    broker.script.fail("_push", ValueError("too large"))
    with pytest.raises(ValueError, match="too large"):
        await broker[queue.name].resend(*letters)
    assert await broker.dead(queue.name) == letters


async def test_no_letters_ask_no_server(broker, queue):
    """There is nothing to do."""
    broker.script.is_away = True
    assert await broker[queue.name].resend() == await broker[queue.name].discard() == 0


async def test_close_in_an_outage_tells_who_still_sends(broker, queue):
    """The sender is not cancelled, and nothing is left."""
    broker.script.is_away = True
    broker._send_timeout = 0.01
    waiting = asyncio.create_task(broker[queue.name].send({}))
    await until(lambda: broker.script.calls["_open"])
    await broker.close()
    with pytest.raises(BackendConnectionError):
        await waiting


async def test_close_sends_what_waits(broker, queue):
    """A message that is being sent gets through before the broker lets go."""
    broker.script.fail("_push", AWAY)
    waiting = asyncio.create_task(broker[queue.name].send({"n": 1}))
    await asyncio.sleep(0)
    await broker.close()
    await waiting
    assert await bodies(broker, queue) == [b'{"n":1}']


@pytest.mark.parametrize("operation", ["_take", "_wait", "_settle", "_renew", "_maintain"])
async def test_consumer_goes_on_after_every_loss(queue, broker, operation):
    """Wherever the connection breaks: each message is handled once, none is left."""
    handled = []

    async def handle(n):
        handled.append(n)

    broker._lease = 0.03
    broker.script.fail(operation, AWAY, AWAY)
    agent = await start(queue, broker, handle)
    for n in range(20):
        await broker[queue.name].send({"n": n})
    await until(lambda: len(handled) == 20 and not broker._workers[queue.name].held)
    await until(lambda: not broker.script._plans[operation] or operation == "_renew")
    await agent.stop()
    assert handled == list(range(20))
    assert await broker[queue.name].length() == 0


@pytest.mark.parametrize("seed", range(5))
async def test_nothing_is_lost_nor_doubled_when_the_server_comes_and_goes(queue, broker, seed):
    """One call in five finds it away, whichever: each message that was accepted is handled once."""
    handled = []

    async def handle(n):
        handled.append(n)
        if n % 7 == 0 and handled.count(n) == 1:
            raise ValueError("once")

    agent = await start(queue, broker, handle)
    broker._send_timeout = 20
    broker.script.break_at_random(0.2, seed)
    for first in range(0, 200, 10):
        await asyncio.gather(*(broker[queue.name].send({"n": n}) for n in range(first, first + 10)))
    await until(lambda: len(handled) >= 229 and not broker._workers[queue.name].held)
    broker.script.mend()
    await agent.stop()
    assert sorted(handled) == sorted([*range(200), *range(0, 200, 7)])
    assert (await broker[queue.name].length(), await broker[queue.name].dead()) == (0, [])


async def test_verdicts_are_kept_until_the_server_is_back(queue, broker):
    """What was handled in an outage is not handled again after it."""
    runs, go = [], asyncio.Event()

    async def handle(n):
        runs.append(n)
        await go.wait()

    agent = await start(queue, broker, handle)
    for n in range(5):
        await broker[queue.name].send({"n": n})
    await until(lambda: len(runs) == 5)
    broker.script.is_away = True
    go.set()
    await until(lambda: len(broker._verdicts) or broker.script.calls["_settle"])
    assert agent.info()["broker"]["held"] == {queue.name: 5}
    await until(lambda: not agent.info()["healthy"])
    broker.script.mend()
    await until(lambda: agent.info()["broker"]["held"] == {queue.name: 0})
    await agent.stop()
    assert sorted(runs) == list(range(5))
    assert not broker._store.queues[queue.name].leased


async def test_message_that_moves_holds_up_no_other(queue, broker, monkeypatch):
    """A server may take its time to write a failed message elsewhere; those that are done leave meanwhile."""
    gate, settle = asyncio.Event(), broker._settle

    async def slow_to_move(batch):
        if any(each.verdict is Verdict.RETRY for each in batch):
            await gate.wait()
        await settle(batch)

    async def handle(n):
        if n == 0:
            raise ValueError("no good")

    monkeypatch.setattr(broker, "_settle", slow_to_move)
    agent = await start(queue, broker, handle, prefetch=2, concurrency=2, retry=RetryPolicy(retries=1, first=0))
    for n in range(10):
        await broker[queue.name].send({"n": n})
    await until(lambda: agent.info()["broker"]["held"] == {queue.name: 1})
    assert await broker[queue.name].length() == 0
    gate.set()
    await until(broker[queue.name].dead)
    await agent.stop()


async def test_verdict_that_cannot_be_carried_out_frees_its_place(queue, broker, caplog):
    """The message comes again when its lease ends; meanwhile the consumer is not short of room."""
    broker.script.fail("_settle", RuntimeError("unforeseen"))
    broker._lease = 0.2
    runs = []

    async def handle(n):
        runs.append(n)

    agent = await start(queue, broker, handle, prefetch=1, concurrency=1)
    for n in range(3):
        await broker[queue.name].send({"n": n})
    await until(lambda: sorted(runs) == [0, 0, 1, 2])
    await agent.stop()
    assert "1 messages cannot be settled; they come again when their leases expire" in caplog.text
    assert await broker[queue.name].length() == 0


async def test_reader_that_fails_starts_again(queue, broker, caplog):
    """Meanwhile the agent is not healthy; afterwards it is, and goes on."""
    handled = []

    async def handle(n):
        handled.append(n)

    broker.script.fail("_take", RuntimeError("unforeseen"))
    agent = await start(queue, broker, handle)
    await until(lambda: not agent.info()["healthy"])
    await broker[queue.name].send({"n": 1})
    await until(lambda: handled)
    assert agent.info()["healthy"]
    assert "the reader failed, and starts again" in caplog.text
    await agent.stop()


async def test_reader_that_dies_starts_again(queue, broker, caplog):
    """However it came to that: within 5 seconds the agent is not healthy, and then it reads on."""
    handled = []

    async def handle(n):
        handled.append(n)

    agent = await start(queue, broker, handle)
    await until(lambda: agent.info()["healthy"])
    broker._workers[queue.name]._reader.task.cancel()
    await until(lambda: not agent.info()["healthy"], 5)
    await broker[queue.name].send({"n": 1})
    await until(lambda: handled)
    assert agent.info()["healthy"]
    assert "reader had ended, and begins again" in caplog.text
    await agent.stop()


@pytest.mark.parametrize("operation", ["_take", "_wait", "_settle", "_renew", "_maintain"])
async def test_driver_that_cancels_ends_nothing(queue, broker, operation):
    """What a driver cancels when its connection closes is a lost connection, and the next one works."""
    handled = []

    async def handle(n):
        handled.append(n)

    broker._lease = 0.3
    broker.script.fail(operation, asyncio.CancelledError())
    agent = await start(queue, broker, handle)
    for n in range(3):
        await broker[queue.name].send({"n": n})
    await until(lambda: sorted(handled) == [0, 1, 2])
    await until(lambda: agent.info()["broker"]["held"] == {queue.name: 0})
    assert agent.info()["healthy"]
    await agent.stop()


async def test_what_a_take_brings_after_a_stop_is_handed_back(queue, broker, monkeypatch):
    """A take is never cut short, and what it brings is no loss."""
    taking, go = asyncio.Event(), asyncio.Event()
    take = broker._take

    async def slow_take(name, limit):
        taken = await take(name, limit)
        taking.set()
        await go.wait()
        return taken

    monkeypatch.setattr(broker, "_take", slow_take)
    await broker[queue.name].send({"n": 1})
    agent = await start(queue, broker, lambda **message: asyncio.sleep(0))
    await taking.wait()
    worker = broker._workers[queue.name]
    stopping = asyncio.create_task(agent.stop())
    await until(lambda: worker._stopping)
    go.set()
    await stopping
    assert await bodies(broker, queue) == [b'{"n":1}']


async def test_stop_in_an_outage_ends(queue, broker, monkeypatch, caplog):
    """What cannot be settled is told, and comes again when its lease ends."""
    monkeypatch.setattr("microagent.consuming.GRACE", 0.02)
    running = asyncio.Event()

    async def handle(n):
        running.set()
        await asyncio.Event().wait()

    agent = await start(queue, broker, handle)
    await broker[queue.name].send({"n": 1})
    await running.wait()
    broker.script.is_away = True
    await agent.stop(timeout=0)
    assert "1 messages could not be settled" in caplog.text
    assert len(broker._store.queues[queue.name].leased) == 1


async def test_start_waits_for_a_server_that_is_away(queue, broker, caplog):
    """It returns when the server is there, with warnings before."""
    broker.script.fail("_open", AWAY, AWAY)
    agent = await start(queue, broker, lambda: asyncio.sleep(0))
    assert broker.script.calls["_open"] == 3
    assert "no connection" in caplog.text
    await agent.stop()


async def test_start_that_is_cancelled_in_an_outage_leaves_nothing(queue, broker):
    """Neither a binding nor a task."""
    broker.script.is_away = True
    starting = asyncio.create_task(start(queue, broker, lambda: asyncio.sleep(0)))
    await until(lambda: broker.script.calls["_open"])
    starting.cancel()
    await asyncio.wait([starting])
    assert starting.cancelled()
    assert broker._bindings == {}
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_broker_serves_one_loop_after_the_other(queue):
    """Without a close in between, and without a word of tasks or futures left behind."""

    async def use():
        handled = asyncio.Event()

        async def handle():
            handled.set()

        agent = agent_of(queue, handle)(broker=broker)
        await agent.start()
        await broker[queue.name].send({})
        await handled.wait()
        await agent.stop()
        await broker[queue.name].send({"left": "behind"})
        assert await bodies(broker, queue) == [b'{"left":"behind"}']

    broker = ScriptedBroker()
    asyncio.run(use())
    asyncio.run(use())
    gc.collect()


async def test_binding_needs_a_consumer(queue, broker):
    """``bind`` starts reading for a consumer that is there."""
    with pytest.raises(ConfigurationError, match=f"queue '{queue.name}' has no consumer"):
        await broker.bind(queue.name)


async def test_consumers_that_are_refused_leave_no_binding(queue, broker):
    """One that asks too much, or comes second, is not bound, and its agent may be started otherwise."""
    with pytest.raises(ConfigurationError, match="no consumer option 'colour'"):
        await start(queue, broker, lambda: asyncio.sleep(0), colour="red")
    assert broker._bindings == {}
    agent = await start(queue, broker, lambda: asyncio.sleep(0))
    with pytest.raises(HandlerError, match=f"queue '{queue.name}' has Agent.handle as its consumer"):
        await start(queue, broker, lambda: asyncio.sleep(0))
    assert list(broker._bindings) == [queue.name]
    await agent.stop()


async def test_queue_has_one_consumer_while_its_server_is_away(queue, broker):
    """The second is refused at once, not when the server is there."""
    broker.script.fail("_open", AWAY, AWAY)
    first = asyncio.create_task(start(queue, broker, lambda: asyncio.sleep(0)))
    await until(lambda: broker.script.calls["_open"])
    with pytest.raises(HandlerError):
        await start(queue, broker, lambda: asyncio.sleep(0))
    await (await first).stop()


async def test_two_consumers_of_one_queue_are_not_bound_together(queue, broker):
    """Neither takes the place of the other in silence."""
    pair = [Roster(agent_of(queue, None)(broker=broker)).consumers()[0] for _ in range(2)]
    with pytest.raises(HandlerError, match=f"queue '{queue.name}' has Agent.handle as its consumer"):
        await broker._bind_consumers(pair)
    assert broker._bindings == {}


@pytest.mark.parametrize("cause", ["refused", "cancelled"])
async def test_consumer_whose_binding_failed_can_be_bound_again(queue, broker, monkeypatch, cause):
    """By the same call, which then reads its queue."""
    handled = asyncio.Event()

    async def handle():
        handled.set()

    async def refuse(consumer, options):
        raise BackendError("no permission")

    async def hang(consumer, options):
        await asyncio.Event().wait()

    (bound,) = Roster(agent_of(queue, handle)(broker=broker)).consumers()
    with monkeypatch.context() as patch:
        patch.setattr(broker, "_attach", refuse if cause == "refused" else hang)
        with pytest.raises((BackendError, TimeoutError)):
            await asyncio.wait_for(broker.bind_consumer(bound), 0.01)
    assert broker._bindings == {}
    await broker.bind_consumer(bound)
    await broker[queue.name].send({})
    await asyncio.wait_for(handled.wait(), 10)


async def test_queues_are_attributes_and_items(queue, broker):
    """Both doors lead to a bound queue; what is not declared is named."""
    assert getattr(broker, queue.name) is getattr(broker, queue.name)
    assert broker[queue.name].queue is queue
    assert queue.name in repr(broker[queue.name])
    with pytest.raises(QueueNotFound):
        broker.not_declared_at_all  # noqa: B018 - the access is what is tested
    with pytest.raises(QueueNotFound):
        broker["not_declared_at_all"]
    assert not hasattr(broker, "_private")


async def test_password_is_not_shown(caplog):
    """Neither by repr, nor info, nor the log of an outage."""
    broker = ScriptedBroker("memory://user:s3cret@place", send_timeout=0.01)
    broker.script.is_away = True
    with caplog.at_level(logging.DEBUG), pytest.raises(BackendConnectionError) as caught:
        await broker.queue_length("anything")
    shown = [repr(broker), str(broker._info()), caplog.text, str(caught.value)]
    assert "no connection" in caplog.text
    assert not any("s3cret" in text for text in shown)
    await broker.close()
