"""Publish and subscribe among the members of a folder."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from support import until

from microagent.channel import Pattern
from microagent.counted import CountedLog
from microagent.tools.local import pubsub as module
from microagent.tools.local.folder import Folder
from microagent.tools.local.pubsub import PubSub

LOG = logging.getLogger("test.local")
PAID = Pattern("P:paid:")

MEMBER = """
import asyncio, logging, sys
from microagent.channel import Pattern
from microagent.counted import CountedLog
from microagent.tools.local.folder import Folder
from microagent.tools.local.pubsub import PubSub

async def main():
    log = logging.getLogger()
    heard = lambda messages: print(len(messages), flush=True)
    member = PubSub(Folder.open(sys.argv[1]), "bus", log, dropped=CountedLog(log, "%d"), deliver=heard)
    await member.open()
    await member.subscribe([Pattern("P:paid:")])
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main())
"""


class Member(PubSub):
    """One that keeps what it hears."""

    def __init__(self, folder):
        self.messages = []
        self.ends = 0
        self.dropped = CountedLog(LOG, "%d dropped")
        super().__init__(folder, "bus", LOG, dropped=self.dropped, deliver=self.messages.extend, left=self._count)

    def _count(self):
        self.ends += 1


@pytest.fixture
async def enter(tmp_path):
    """Enters a new member each time it is called; all leave in the end."""
    folder = Folder.open(f"{tmp_path}/place")
    members = []

    async def enter() -> Member:
        member = Member(folder)
        members.append(member)
        await member.open()
        return member

    enter.folder = folder
    yield enter
    for member in members:
        await member.close()
    assert not [name for name in folder.names() if name.startswith(tuple(member.name for member in members))]
    folder.close()


@pytest.fixture
def process(enter):
    """A member in a process of its own, subscribed to P:paid:."""
    with subprocess.Popen(
        [sys.executable, "-c", MEMBER, enter.folder.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.send_signal(signal.SIGCONT)
        process.kill()


async def ready(process) -> None:
    assert (await asyncio.to_thread(process.stdout.readline)).strip() == "ready"


async def test_message_reaches_each_subscriber_once(enter):
    """A publisher is told how many members hear it, itself included."""
    first, second, third = await enter(), await enter(), await enter()
    await first.subscribe([PAID, Pattern("P:")])
    await second.subscribe([PAID])
    assert await first.publish([("P:paid:shop", b"1"), ("P:other:shop", b"2"), ("Q:paid:shop", b"3")]) == [2, 1, 0]
    assert await third.publish([("P:paid:shop", b"4")]) == [2]
    await until(lambda: len(second.messages) == 2)
    await until(lambda: len(first.messages) == 3)
    assert second.messages == [("P:paid:shop", b"1"), ("P:paid:shop", b"4")]
    assert first.messages == [("P:paid:shop", b"1"), ("P:other:shop", b"2"), ("P:paid:shop", b"4")]
    assert third.messages == []


async def test_newcomer_knows_who_listens(enter):
    """One that publishes as its first deed reaches all who subscribed before."""
    listener = await enter()
    await listener.subscribe([PAID])
    newcomer = await enter()
    assert await newcomer.publish([("P:paid:shop", b"1")]) == [1]
    await until(lambda: listener.messages)


async def test_confirmed_subscription_is_known_to_all(enter):
    """When ``subscribe`` has returned, whoever publishes counts the subscriber; after ``unsubscribe`` nobody does."""
    members = [await enter() for _ in range(5)]
    await members[2].subscribe([PAID])
    assert [await member.publish([("P:paid:shop", b"")]) for member in members] == [[1]] * 5
    await members[2].unsubscribe([PAID])
    assert [await member.publish([("P:paid:shop", b"")]) for member in members] == [[0]] * 5


async def test_members_that_enter_at_once_all_meet(enter):
    """Of any two exactly one connects, however they come."""
    members = await asyncio.gather(*(enter() for _ in range(12)))
    await asyncio.gather(*(member.subscribe([PAID]) for member in members))
    for member in members:
        assert await member.publish([("P:paid:shop", b"")]) == [12]
    await until(lambda: all(len(member.messages) == 12 for member in members))


async def test_order_is_kept_from_each_to_each(enter):
    """Messages of one publisher come in its order, in single sends and in batches."""
    publisher, listener = await enter(), await enter()
    await listener.subscribe([PAID])
    for start in range(0, 2000, 100):
        await publisher.publish([("P:paid:shop", b"%d" % number) for number in range(start, start + 100)])
    await until(lambda: len(listener.messages) == 2000)
    assert [int(body) for _, body in listener.messages] == list(range(2000))


async def test_large_message_passes(enter):
    """Five megabytes arrive as they were sent."""
    publisher, listener = await enter(), await enter()
    await listener.subscribe([PAID])
    body = os.urandom(5_000_000)
    await publisher.publish([("P:paid:shop", body)])
    await until(lambda: listener.messages)
    assert listener.messages == [("P:paid:shop", body)]


async def test_batch_of_large_messages_reaches_who_reads(enter, monkeypatch):
    """A batch that is larger than what may wait is nothing to drop for a member that keeps up, however busy all are."""
    monkeypatch.setattr(module, "PATIENCE", 20)
    publisher, listener = await enter(), await enter()
    await listener.subscribe([PAID])
    assert await publisher.publish([("P:paid:shop", bytes(1_000_000))] * 40) == [1] * 40
    await until(lambda: len(listener.messages) == 40)
    assert publisher.dropped.total == 0


async def test_too_large_message_is_refused_alone(enter):
    """The error of one message is not the error of those beside it."""
    member = await enter()
    await member.subscribe([PAID])
    result = await member.publish([("P:paid:shop", bytes(65 * 1024 * 1024)), ("P:paid:shop", b"")])
    assert "more than the 67108864" in str(result[0])
    assert result[1] == 1
    assert member.messages == [("P:paid:shop", b"")]


async def test_left_member_is_not_counted(enter):
    """After a member has left, nothing goes to it, and the others have been told."""
    publisher, listener = await enter(), await enter()
    await listener.subscribe([PAID])
    await listener.close()
    await until(lambda: publisher.ends)
    assert await publisher.publish([("P:paid:shop", b"")]) == [0]


async def test_what_was_published_before_leaving_arrives(enter):
    """Publish and leave: nothing is lost by the leaving."""
    publisher, listener = await enter(), await enter()
    await listener.subscribe([PAID])
    await publisher.publish([("P:paid:shop", bytes(10_000))] * 300)
    await publisher.close()
    await until(lambda: len(listener.messages) == 300)


async def test_paused_reading_is_resumed(enter):
    """A member that has no room lets its peers wait, newcomers too, and hears all of it later."""
    listener = await enter()
    await listener.subscribe([PAID])
    publisher = await enter()
    await until(lambda: listener._peers)
    listener.flow(False)
    await publisher.publish([("P:paid:shop", b"1")])
    newcomer = PubSub(enter.folder, "bus", LOG, dropped=CountedLog(LOG, "%d"), deliver=lambda _: None)
    entering = asyncio.ensure_future(newcomer.open())
    await until(lambda: len(listener._peers) == 2)
    assert listener.messages == []
    listener.flow(True)
    await entering
    await until(lambda: listener.messages)
    await newcomer.close()


async def test_killed_process_is_gone_for_all(enter, process):
    """``kill -9`` ends a subscription; a newcomer clears away what is left of it."""
    await ready(process)
    member = await enter()
    assert await member.publish([("P:paid:shop", b"")]) == [1]
    process.kill()
    await until(lambda: member.ends)
    assert await member.publish([("P:paid:shop", b"")]) == [0]
    newcomer = await enter()
    assert len([name for name in enter.folder.names() if name.endswith(".sock")]) == 2
    assert await newcomer.publish([("P:paid:shop", b"")]) == [0]


async def test_process_that_stops_reading_is_bounded_and_hurts_nobody(enter, process, caplog):
    """For a stopped process some messages wait and the rest is dropped with a counted line; others hear everything."""
    await ready(process)
    publisher, listener = await enter(), await enter()
    await listener.subscribe([PAID])
    process.send_signal(signal.SIGSTOP)
    for _ in range(60):
        await publisher.publish([("P:paid:shop", bytes(1000))] * 100)
    await until(lambda: len(listener.messages) == 6000)
    assert publisher.dropped.total > 3000
    assert caplog.text.count("dropped") <= 3


async def test_hanging_process_delays_one_subscription_and_no_more(enter, process, caplog, monkeypatch):
    """
    One that does not confirm is named in the log after a while, and gone on without; it is waited for again when it has
    said something.
    """
    monkeypatch.setattr(module, "CONFIRM", 0.1)
    await ready(process)
    member = await enter()
    process.send_signal(signal.SIGSTOP)
    await member.subscribe([PAID])
    assert f"Process {process.pid} does not answer" in caplog.text
    monkeypatch.undo()
    await asyncio.wait_for(member.subscribe([Pattern("P:other:")]), module.CONFIRM / 2)
    process.send_signal(signal.SIGCONT)
    await until(lambda: not member._hanging)


async def test_process_that_dies_instead_of_confirming_is_not_waited_for(enter, process, monkeypatch):
    """A subscription is confirmed by all who live."""
    monkeypatch.setattr(module, "CONFIRM", 3600)
    await ready(process)
    member = await enter()
    process.send_signal(signal.SIGSTOP)
    subscribing = asyncio.ensure_future(member.subscribe([PAID]))
    await asyncio.sleep(0)
    assert not subscribing.done()
    process.kill()
    await subscribing


async def test_stranger_at_the_door_is_cut_off(enter, caplog):
    """Bytes that are none of ours end that connection, with a line in the log, and no other."""
    member, other = await enter(), await enter()
    await other.subscribe([PAID])
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(enter.folder.address(f"{member.name}.sock"))
        stranger.send(b"\0\0\0\2\x63ok")
        await until(lambda: "unknown kind 99" in caplog.text)
    assert await member.publish([("P:paid:shop", b"")]) == [1]


async def test_file_that_nobody_listens_at_is_no_obstacle(enter):
    """A socket without its process is passed over."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(enter.folder.address("bus-0.sock"))
    began = time.monotonic()
    member = await enter()
    assert await member.publish([("P:paid:shop", b"")]) == [0]
    assert time.monotonic() - began < module.CONFIRM
    assert "bus-0.sock" not in enter.folder.names()


async def test_connection_that_comes_in_at_the_end_is_ended(enter):
    """It was taken when the member left: nobody would ever end it, or the process that waits at its other end."""
    member = await enter()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.setblocking(False)
        other.connect(enter.folder.address(f"{member.name}.sock"))
        member._mesh._acceptor._take()
        await member.close()
        async with asyncio.timeout(5):
            while await asyncio.get_running_loop().sock_recv(other, 1024):
                pass
    assert not member._peers
