"""What may have killed its process runs alone: at its death, nothing else was there to be counted."""

import asyncio
import logging

import pytest
from support import unique, until

from microagent import Queue, RetryPolicy
from microagent.admission import Admission
from microagent.consuming import ConsumingOptions, Worker
from microagent.delivery import Delivery, Verdict
from microagent.queue import Consumer
from microagent.solitude import SUSPICIOUS, Solitude, is_suspect

log = logging.getLogger("test.solitude")
SUSPECT = {"crashes": SUSPICIOUS}


class Server:
    """One queue, as its worker sees it; what is handed back comes again, in its place or at the end."""

    def __init__(self, *, keeps_places=True):
        self.keeps_places = keeps_places
        self.messages = []  # (place, number, crashes)
        self.held = {}  # what was handed out and not settled, by its delivery
        self.pauses = 0
        self.taken = []
        self._last = 0
        self._more = asyncio.Event()

    def put(self, *numbers, crashes=0):
        for number in numbers:
            self._insert(number, crashes)

    def _insert(self, number, crashes, place=None):
        self._last += 1
        self.messages = sorted([*self.messages, (place or self._last, number, crashes)])
        self._more.set()

    async def ready(self):
        pass

    async def take(self, limit):
        taken, self.messages = self.messages[:limit], self.messages[limit:]
        deliveries = [Delivery("queue", b'{"n":%d}' % number, crashes=crashes) for _, number, crashes in taken]
        self.held.update(zip(deliveries, taken, strict=True))
        self.taken.append([number for _, number, _ in taken])
        return deliveries

    async def wait(self, timeout):
        self._more.clear()
        await self._more.wait()

    async def pause(self):
        self.pauses += 1

    async def renew(self, held):
        return set()

    async def maintain(self):
        return 60.0

    def settle(self, verdicts):
        asyncio.get_running_loop().call_soon(self._settled, verdicts)

    move = settle

    def _settled(self, verdicts):
        deliveries = verdicts.fetched()
        for delivery in deliveries:
            place, number, crashes = self.held.pop(delivery)
            if delivery.verdict is Verdict.RELEASE:
                self._insert(number, crashes, place if self.keeps_places else None)
        verdicts.known(deliveries)


class Process:
    """Workers of some queues; remembers what was held at the start of each run."""

    def __init__(self, *servers):
        self.servers = servers
        self.solitude = Solitude()
        self.workers = []
        self.runs = []
        self.gates = {}
        for server in servers:
            queue = Queue(unique("queue"))
            consumer = Consumer(self, self.handle, queue, 60.0, {"concurrency": 2, "prefetch": 6})
            options = ConsumingOptions.of(consumer, RetryPolicy())
            self.workers.append(Worker(server, consumer, options, Admission("off", log), log, solitude=self.solitude))

    def start(self):
        for worker in self.workers:
            worker.start(30.0)

    async def handle(self, n):
        self.runs.append((n, sum(len(server.held) for server in self.servers)))
        if n in self.gates:
            await self.gates[n].wait()

    def hold(self, *numbers):
        """The runs of these wait for their gates."""
        self.gates.update((number, asyncio.Event()) for number in numbers)

    def has_run(self, *numbers):
        return sorted(number for number, _ in self.runs) == sorted(numbers)

    @property
    def begun(self):
        return [number for number, _ in self.runs]


@pytest.fixture
async def process():
    """Makes one, which is stopped at the end."""
    made = []

    def make(*servers):
        made.append(Process(*servers))
        return made[-1]

    yield make
    for each in made:
        for worker in each.workers:
            await worker.stop(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(("crashes", "suspected"), [(0, False), (2, False), (3, True), (9, True), (10, False)])
def test_suspects(crashes, suspected):
    """From three dead processes on; what has had its ten is buried, and runs no more."""
    assert is_suspect(Delivery("queue", b"{}", crashes=crashes)) is suspected


@pytest.mark.parametrize("keeps_places", [True, False])
async def test_suspect_runs_while_nothing_else_is_held(process, keeps_places, caplog):
    """What came with it goes back, uncounted, and is handled later."""
    server = Server(keeps_places=keeps_places)
    server.put(1, 2)
    server.put(3, **SUSPECT)
    server.put(4, 5)
    here = process(server)
    here.start()
    await until(lambda: here.has_run(1, 2, 3, 4, 5) and not server.held)
    assert (3, 1) in here.runs
    assert "a message, which 3 processes died with, runs alone" in caplog.text


@pytest.mark.parametrize("keeps_places", [True, False])
async def test_suspects_run_one_after_the_other(process, keeps_places):
    """Each alone; nobody takes more than one of them at a time once they are seen."""
    server = Server(keeps_places=keeps_places)
    server.put(1, 2, 3, 4, **SUSPECT)
    server.put(5, 6, 7)
    here = process(server)
    here.start()
    await until(lambda: here.has_run(1, 2, 3, 4, 5, 6, 7) and not server.held)
    assert {number for number, held in here.runs if held == 1} >= {1, 2, 3, 4}
    if keeps_places:
        assert here.begun == [1, 2, 3, 4, 5, 6, 7]
        assert server.taken[1:4] == [[2], [3], [4]]


@pytest.mark.parametrize("keeps_places", [True, False])
async def test_what_runs_is_waited_for(process, keeps_places):
    """The suspect begins when it has ended; what waits goes back at once, for others to take."""
    server = Server(keeps_places=keeps_places)
    server.put(1)
    here = process(server)
    here.hold(1)
    here.start()
    await until(lambda: here.has_run(1))
    server.put(2, **SUSPECT)
    server.put(3)
    await until(lambda: here.solitude.held == (1 if keeps_places else 2) and len(server.taken) > 1)
    assert here.has_run(1)
    here.gates[1].set()
    await until(lambda: here.has_run(1, 2, 3))
    assert (2, 1) in here.runs


async def test_other_queues_of_the_process_rest_meanwhile(process):
    """They finish what runs, hand back the rest, take nothing as long as it lasts, and go on after it."""
    suspicious, other = Server(), Server()
    other.put(11, 12, 13, 14)
    here = process(suspicious, other)
    here.hold(1, 11, 12)
    here.start()
    await until(lambda: here.has_run(11, 12))
    suspicious.put(1, **SUSPECT)
    await until(lambda: len(other.held) == 2)
    here.gates[11].set()
    here.gates[12].set()
    await until(lambda: here.has_run(1, 11, 12))
    assert (1, 1) in here.runs
    assert other.pauses == 1
    taken = len(other.taken)
    other.put(15)
    with pytest.raises(TimeoutError):
        await until(lambda: len(other.taken) > taken, patience=0.05)
    here.gates[1].set()
    await until(lambda: here.has_run(1, 11, 12, 13, 14, 15))


@pytest.mark.parametrize("keeps_places", [True, False])
async def test_two_queues_have_suspects(process, keeps_places):
    """One after the other has the process to itself."""
    servers = [Server(keeps_places=keeps_places), Server(keeps_places=keeps_places)]
    for server, numbers in zip(servers, [(1, 2, 3), (11, 12, 13)], strict=True):
        server.put(*numbers, **SUSPECT)
    here = process(*servers)
    here.start()
    await until(lambda: here.has_run(1, 2, 3, 11, 12, 13))
    assert {held for _, held in here.runs} == {1}


async def test_suspect_that_somebody_else_took_is_forgotten(process):
    """While it was handed back and what runs was waited for: the process goes on as before."""
    server = Server()
    server.put(1)
    here = process(server)
    here.hold(1)
    here.start()
    await until(lambda: here.has_run(1))
    server.put(2, **SUSPECT)
    await until(lambda: [2] in server.taken and server.messages)
    server.messages.clear()
    here.gates[1].set()
    await until(lambda: not server.held)
    server.put(3)
    await until(lambda: here.has_run(1, 3))


async def test_stop_hands_back_a_suspect_that_waits(process):
    """And one queue that stops does not keep the process from the others."""
    suspicious, other = Server(keeps_places=False), Server()
    other.put(11)
    here = process(suspicious, other)
    here.hold(11)
    here.start()
    await until(lambda: here.has_run(11))
    suspicious.put(1, **SUSPECT)
    await until(lambda: suspicious.held)
    await here.workers[0].stop(5)
    assert [number for _, number, _ in suspicious.messages] == [1]
    other.put(12)
    await until(lambda: here.has_run(11, 12))
    here.gates[11].set()
    await until(lambda: not other.held)


async def test_queue_that_cannot_settle_and_stops_is_waited_for_no_longer(process, monkeypatch):
    """What it held is for its lease to end."""
    suspicious, other = Server(), Server()
    other.put(11)
    here = process(suspicious, other)
    here.start()
    await until(lambda: here.has_run(11) and not other.held)
    monkeypatch.setattr("microagent.consuming.GRACE", 0.01)
    other._settled = lambda verdicts: None
    other.put(12)
    await until(lambda: here.has_run(11, 12))
    suspicious.put(1, **SUSPECT)
    await until(lambda: other.pauses)
    assert here.has_run(11, 12)
    await here.workers[1].stop(0)
    await until(lambda: here.has_run(1, 11, 12))
