"""Children of a process that takes part."""

import os
import subprocess
import sys

from microagent.tools.local.folder import Folder
from microagent.tools.local.presence import is_alive

PARENT = """
import asyncio, logging, os, sys, time
from microagent.tools.local.session import Session

async def main():
    session = await Session.open(sys.argv[1], "FULL", logging.getLogger())
    child = os.fork()
    if not child:
        os.write(1, b".")
        while True:
            time.sleep(1)
    print(session.doorbell.name, child, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main())
"""

TURN = """
import os, sys
from microagent.tools.local.folder import Folder
from microagent.tools.local.filelock import FileLock

(descriptor,) = (turn := FileLock(Folder.open(sys.argv[1]), "turn.lock")).descriptors()
child = os.fork()
if child:
    os.waitpid(child, 0)
print("parent" if child else "child", os.readlink(f"/proc/self/fd/{descriptor}"), flush=True)
"""


HEIRS = """
import asyncio, os, sys
from microagent.tools.local import LocalBroker, LocalSignalBus

bus, broker = LocalSignalBus(sys.argv[1]), LocalBroker(sys.argv[1])

async def begin():
    await bus.bind("signal")
    await broker.send("queue", "{}")
    await broker.send("queue", "{}")
    return await broker._take("queue", 1)

async def child():
    await bus.send("PUBSUB:signal:child", "{}")
    print("child", await broker.queue_length("queue"), flush=True)
    await broker.close()
    await bus.close()

async def go_on(child):
    await asyncio.to_thread(os.waitpid, child, 0)
    async with LocalSignalBus(sys.argv[1]) as other, LocalBroker(sys.argv[1]) as reaper:
        receivers = await other._publish([("PUBSUB:signal:other", b"{}")])
        await reaper._session.reap()
    print("parent", *receivers, len(held) - len(await broker._renew(held)), flush=True)
    await bus.close()
    await broker.close()

loop = asyncio.new_event_loop()
held = loop.run_until_complete(begin())
if pid := os.fork():
    loop.run_until_complete(go_on(pid))
else:
    asyncio.run(child())
    os._exit(0)
"""

VISITOR = """
import asyncio, sys
from microagent.tools.local import LocalBroker

async def main():
    async with LocalBroker(sys.argv[1]) as broker:
        return await broker.queue_length("queue")

print("visitor", asyncio.run(main()), flush=True)
"""

ORPHAN = """
import asyncio, os, subprocess, sys
from microagent.tools.local import LocalBroker

async def visit():
    await (await asyncio.create_subprocess_exec(sys.executable, "-c", sys.argv[2], sys.argv[1])).wait()

async def child():
    async with LocalBroker(sys.argv[1]) as broker:
        os.write(ready[1], b".")
        await asyncio.to_thread(os.read, gone[0], 1)
        await broker.send("queue", "{}")
        await visit()

async def leave():
    await asyncio.to_thread(os.read, ready[0], 1)
    await broker.close()
    await visit()
    os.write(gone[1], b".")

ready, gone = os.pipe(), os.pipe()
broker = LocalBroker(sys.argv[1])
loop = asyncio.new_event_loop()
loop.run_until_complete(broker.send("queue", "{}"))
if pid := os.fork():
    loop.run_until_complete(leave())
    os.waitpid(pid, 0)
else:
    asyncio.run(child())
    os._exit(0)
"""


def test_forked_child_does_not_keep_its_parent_alive(tmp_path):
    """
    A process that has forked, for its pool of workers perhaps, is dead when it is killed, though its child lives on.
    """
    path = f"{tmp_path}/place"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    said = parent.stdout.readline()
    while "." not in said:
        said += parent.stdout.read(1)
    name, child = said.replace(".", "").split()
    folder = Folder.open(path)
    assert is_alive(folder, name)
    parent.kill()
    parent.wait()
    os.kill(int(child), 0)
    assert not is_alive(folder, name)
    os.kill(int(child), 9)
    parent.communicate()
    folder.close()


def run(*arguments: str) -> list[str]:
    """The words that a script says."""
    result = subprocess.run([sys.executable, "-c", *arguments], timeout=60, capture_output=True, text=True, check=True)
    assert "Traceback" not in result.stderr
    return result.stdout.split()


def test_child_does_not_clear_its_parent_away(tmp_path):
    """
    A child that uses the bus and broker it has from its parent opens its own; the parent, which has them open, stays
    what it was for everybody.
    """
    assert run(HEIRS, f"local://{tmp_path}/place") == ["child", "1", "parent", "1", "1"]


def test_child_is_known_to_use_the_file(tmp_path):
    """
    A child opens the queues as any process does: when its parent and others have left, nobody takes the file for
    unused, and clears away what the child writes to.
    """
    assert run(ORPHAN, f"local://{tmp_path}/place", VISITOR) == ["visitor", "1", "visitor", "2"]


def test_descriptors_lead_nowhere_in_a_child_alone(tmp_path):
    """What the parent has it keeps; in the child the same number is /dev/null."""
    said = run(TURN, f"{tmp_path}/place")
    assert said == ["child", os.devnull, "parent", f"{tmp_path}/place/turn.lock"]
