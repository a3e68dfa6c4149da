"""The handlers of one agent, as the records that bus, broker and timers take."""

import json

from support import unique

from microagent import MicroAgent, Queue, Signal, consumer, cron, on, periodic, receiver
from microagent.roster import Roster
from microagent.timer import CRONTask, PeriodicTask

ONE, TWO = Signal(unique("signal"), []), Signal(unique("signal"), [])
QUEUE = Queue(unique("queue"))


class Order:
    pass


class Agent(MicroAgent):
    @receiver(ONE, TWO, timeout=5)
    async def hear(self, **kwargs): ...

    @consumer(QUEUE, timeout=6, dto_class=Order, dto_name="order", group="copies")
    async def consume(self, order): ...

    @periodic(3, timeout=7, start_after=2)
    async def tick(self): ...

    @cron("0 4 * * *", timeout=8)
    async def daily(self): ...

    @on("pre_start")
    def setup(self): ...

    @on("server")
    async def serve(self): ...


def test_receiver_for_each_signal():
    """A method that hears two signals is two receivers, under one name."""
    agent = Agent()
    receivers = Roster(agent).receivers()
    assert [(each.agent, each.handler, each.signal, each.timeout) for each in receivers] == [
        (agent, agent.hear, ONE, 5),
        (agent, agent.hear, TWO, 5),
    ]
    assert {each.key for each in receivers} == {"Agent.hear"}


def test_consumer_has_all_that_it_was_told():
    """Its options are a copy: whoever takes them apart changes nothing of the class."""
    agent = Agent()
    [first], [second] = Roster(agent).consumers(), Roster(agent).consumers()
    assert (first.agent, first.handler, first.queue, first.timeout) == (agent, agent.consume, QUEUE, 6)
    assert (first.dto_class, first.dto_name, first.options) == (Order, "order", {"group": "copies"})
    assert first.options is not second.options


def test_timers_of_both_kinds():
    """With the figures of their decorators."""
    timer, job = Roster(Agent()).timers()
    assert isinstance(timer, PeriodicTask)
    assert (timer.name, timer.period, timer.timeout, timer.start_after) == ("Agent.tick", 3, 7, 2)
    assert isinstance(job, CRONTask)
    assert (job.name, job.cron.spec, job.timeout) == ("Agent.daily", "0 4 * * *", 8)


def test_hooks_by_their_label():
    """Bound to the agent."""
    agent = Agent()
    roster = Roster(agent)
    assert roster.hooks("pre_start") == [agent.setup]
    assert roster.hooks("server") == [agent.serve]
    assert roster.hooks("pre_stop") == []


def test_description_is_json():
    """Whatever the options are: they are shown as they are written."""
    told = json.loads(json.dumps(Roster(Agent()).describe()))
    assert told["consumers"] == [
        {"handler": "Agent.consume", "queue": QUEUE.name, "timeout": 6, "options": {"group": "'copies'"}}
    ]
    assert [each["signal"] for each in told["receivers"]] == [ONE.name, TWO.name]
