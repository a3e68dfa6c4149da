"""What runs around the handlers of an agent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from support import unique, until

from microagent import (
    CallNext,
    Delivery,
    HandlerError,
    MicroAgent,
    Queue,
    RemoteError,
    RetryPolicy,
    Run,
    Signal,
    consumer,
    cron,
    middleware,
    on,
    periodic,
    receiver,
)
from microagent.testing import Clock
from microagent.tools.memory import MemoryBroker, MemorySignalBus


@asynccontextmanager
async def running(cls: type[MicroAgent]) -> AsyncIterator[MicroAgent]:
    """An agent of this class, with a bus and a broker in memory."""
    agent = cls(bus=MemorySignalBus(), broker=MemoryBroker())
    await agent.start()
    yield agent
    await agent.stop()


class Watched(MicroAgent):
    """Keeps each run that begins."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.runs: list[Run] = []

    @middleware
    async def watch(self, run: Run, call_next: CallNext) -> Any:
        self.runs.append(run)
        return await call_next()


async def test_a_run_of_a_receiver():
    """It is told by handler, kind and signal, with all that the handler is called with; its answer is the call's."""
    signal = Signal(unique("signal"), payload={"type": "object", "properties": {"user_id": {"type": "integer"}}})

    class Counter(Watched):
        @receiver(signal)
        async def count(self, user_id: int = 0, **kwargs: Any) -> int:
            return user_id + 1

    async with running(Counter) as agent:
        assert await agent.bus[signal.name].call("test", user_id=6) == {"Counter.count": 7}
        [run] = agent.runs
        assert agent.info()["middlewares"] == ["watch"]
    assert (run.handler, run.kind, run.source, run.delivery) == ("Counter.count", "receiver", signal.name, None)
    assert run.arguments == {"user_id": 6, "signal": signal, "sender": "test"}
    with pytest.raises(TypeError, match="does not support item assignment"):
        run.arguments["user_id"] = 7


async def test_a_run_of_a_consumer():
    """It has the delivery, whether the handler names it or not; keys of messages are never taken for it."""
    open_, closed, asking = (Queue(unique("queue")) for _ in range(3))
    got: list[dict[str, Any]] = []

    class Shop(Watched):
        @consumer(open_)
        async def open_to_all(self, **message: Any) -> None:
            got.append(message)

        @consumer(closed)
        async def takes_one(self, delivery: Any = None, number: int = 0) -> None:
            got.append({"number": number})

        @consumer(asking, autoack=False)
        async def settles(self, number: int, delivery: Delivery) -> None:
            delivery.ack()

    async with running(Shop) as agent:
        for queue in (open_, closed, asking):
            await agent.broker[queue.name].send({"number": 1, "delivery": "to the door"})
        await until(lambda: len(agent.runs) == 3 and not any(agent.info()["broker"]["held"].values()))
        runs = {run.source: run for run in agent.runs}
    assert got[0] == {"number": 1, "delivery": "to the door"}
    assert got[1] == {"number": 1}
    assert all(run.kind == "consumer" and run.delivery.attempt == 1 for run in runs.values())
    assert runs[open_.name].arguments == got[0]
    assert runs[asking.name].arguments["delivery"] is runs[asking.name].delivery


async def test_runs_of_timers(clock: Clock):
    """They have a handler and a kind, and nothing else."""

    class Clerk(Watched):
        @periodic(period=60, start_after=30)
        async def tick(self) -> None: ...

        @cron("* * * * *")
        async def tock(self) -> None: ...

    async with running(Clerk) as agent:
        await clock.advance(60)
        found = {(run.handler, run.kind, run.source, len(run.arguments)) for run in agent.runs}
    assert found == {("Clerk.tick", "periodic", None, 0), ("Clerk.tock", "cron", None, 0)}


async def test_several_surround_each_other():
    """Those of base classes are outermost; one that is overridden is another one, one that is None is gone."""
    signal = Signal(unique("signal"), [])
    order: list[str] = []

    def noting(name: str) -> Callable[..., Awaitable[Any]]:
        @middleware
        async def note(self: MicroAgent, run: Run, call_next: CallNext) -> Any:
            order.append(f"+{name}")
            result = await call_next()
            order.append(f"-{name}")
            return result

        return note

    class Base(MicroAgent):
        first = noting("first")
        second = noting("second")
        removed = noting("removed")

    class Derived(Base):
        own = noting("own")
        second = noting("other")
        removed = None

        @receiver(signal)
        async def handle(self, **kwargs: Any) -> None:
            order.append("handler")

    async with running(Derived) as agent:
        await agent.bus[signal.name].call("test")
    assert order == ["+first", "+other", "+own", "handler", "-own", "-other", "-first"]


async def test_what_a_handler_raises_comes_out():
    """A middleware sees it; what it raises itself has failed the run, which is tried again."""
    queue = Queue(unique("queue"))
    seen: list[str] = []

    class Shop(MicroAgent):
        @middleware
        async def refuse_the_first(self, run: Run, call_next: CallNext) -> Any:
            assert run.delivery is not None
            if run.delivery.attempt == 1:
                raise PermissionError("not yet")
            try:
                return await call_next()
            except LookupError as error:
                seen.append(str(error))
                raise

        @consumer(queue, retry=RetryPolicy(retries=1, first=0))
        async def handle(self, **message: Any) -> None:
            raise LookupError("nobody has it")

    async with running(Shop) as agent:
        await agent.broker[queue.name].send({})
        await until(agent.broker[queue.name].dead)
        [letter] = await agent.broker[queue.name].dead()
    assert seen == ["nobody has it"]
    assert letter.reason == "LookupError: nobody has it"


async def test_a_handler_can_be_skipped():
    """Then its message counts as handled, and a call is answered with what the middleware returns."""
    signal, queue = Signal(unique("signal"), []), Queue(unique("queue"))
    skipped: list[str] = []

    class Idle(MicroAgent):
        @middleware
        async def skip(self, run: Run, call_next: CallNext) -> Any:
            skipped.append(run.handler)
            return f"{run.handler} is not called"

        @receiver(signal)
        async def answer(self, **kwargs: Any) -> str:
            raise AssertionError("it is called")

        @consumer(queue)
        async def consume(self, **message: Any) -> None:
            raise AssertionError("it is called")

    async with running(Idle) as agent:
        assert await agent.bus[signal.name].call("test") == {"Idle.answer": "Idle.answer is not called"}
        await agent.broker[queue.name].send({})
        await until(lambda: len(skipped) == 2 and not any(agent.info()["broker"]["held"].values()))
        assert await agent.broker[queue.name].length() == 0
        assert await agent.broker[queue.name].dead() == []


async def test_it_runs_in_the_task_of_the_handler():
    """What it sets in the context is the handler's, and the timeout is of both."""
    signal = Signal(unique("signal"), [])
    tenant: ContextVar[str] = ContextVar("tenant", default="nobody")

    class Shop(MicroAgent):
        @middleware
        async def bind(self, run: Run, call_next: CallNext) -> Any:
            tenant.set(run.arguments["sender"])
            if tenant.get() == "slow":
                await asyncio.Event().wait()
            return await call_next()

        @receiver(signal, timeout=0.05)
        async def who(self, **kwargs: Any) -> str:
            return tenant.get()

    async with running(Shop) as agent:
        assert await agent.bus[signal.name].call("acme") == {"Shop.who": "acme"}
        with pytest.raises(RemoteError, match=r"Shop\.who: TimeoutError: handler did not finish within 0"):
            await agent.bus[signal.name].call("slow")
    assert tenant.get() == "nobody"


async def test_hooks_and_servers_have_none():
    """They are moments of the agent, and not runs."""

    class Plain(Watched):
        @on("pre_start")
        def set_up(self) -> None: ...

        @on("server")
        async def serve(self) -> None: ...

    agent = Plain()
    await agent.start()
    await agent.stop()
    assert agent.runs == []


def test_a_key_named_as_the_agent_is():
    """A message whose key is ``self`` cannot reach ``**kwargs`` past the agent, with a middleware as without."""
    queue = Queue(unique("queue"))

    class Shop(Watched):
        @consumer(queue)
        async def handle(self, **message: Any) -> None: ...

    async def send() -> str:
        async with running(Shop) as agent:
            await agent.broker[queue.name].send({"self": 1})
            await until(agent.broker[queue.name].dead)
            [letter] = await agent.broker[queue.name].dead()
            return letter.reason

    assert "it has a key 'self', which Shop.handle cannot take" in asyncio.run(send())


def plain(self: Any, run: Run, call_next: CallNext) -> Any: ...


async def takes_too_little(self: Any, run: Run) -> Any: ...


async def takes_by_name(self: Any, *, run: Run, call_next: CallNext) -> Any: ...


@pytest.mark.parametrize(
    ("method", "problem"),
    [
        (plain, "Wrong.around must be an 'async def' without 'yield', because it is awaited"),
        (takes_too_little, "Wrong.around is a middleware, so it must take (self, run, call_next)"),
        (takes_by_name, "Wrong.around is a middleware, so it must take (self, run, call_next)"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_one_that_could_not_run_is_refused(method: Any, problem: str):
    """When the class is created, in one sentence."""
    with pytest.raises(HandlerError) as refused:
        type("Wrong", (MicroAgent,), {"around": middleware(method)})
    assert str(refused.value) == problem


def test_without_middleware_a_handler_is_itself():
    """Nothing is paid for what is not there."""
    signal = Signal(unique("signal"), [])

    class Shop(MicroAgent):
        @receiver(signal)
        async def handle(self, **kwargs: Any) -> None: ...

    agent = Shop()
    [found] = agent._lifecycle._roster.receivers()
    assert found.handler == agent.handle
