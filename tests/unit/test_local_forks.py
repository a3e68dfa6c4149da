"""Children of a process that takes part."""

import os
import subprocess
import sys

from microagent.tools.local.folder import Folder
from microagent.tools.local.presence import is_alive

PARENT = """
import asyncio, logging, os, sys, time
from microagent.tools.local.depot import Depot

async def main():
    depot = await Depot.open(sys.argv[1], "FULL", logging.getLogger())
    child = os.fork()
    if not child:
        os.write(1, b".")
        while True:
            time.sleep(1)
    print(depot.doorbell.name, child, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main())
"""

TURN = """
import os, sys
from microagent.tools.local.folder import Folder
from microagent.tools.local.turn import Turn

(descriptor,) = (turn := Turn(Folder.open(sys.argv[1]), "turn.lock")).descriptors()
child = os.fork()
if child:
    os.waitpid(child, 0)
print("parent" if child else "child", os.readlink(f"/proc/self/fd/{descriptor}"), flush=True)
"""


HEIRS = """
import asyncio, os, sys
from microagent import BackendConnectionError
from microagent.tools.local import LocalBroker, LocalSignalBus

bus, broker = LocalSignalBus(sys.argv[1]), LocalBroker(sys.argv[1])

async def child():
    await broker.send("queue", "{}")
    await bus.send("PUBSUB:signal:child", "{}")
    print("child", await broker.queue_length("queue"), flush=True)
    await broker.close()
    await bus.close()

async def parent():
    await bus.bind("signal")
    await broker.send("queue", "{}")
    held = await broker._take("queue", 1)
    await broker.send("queue", "{}")
    child = os.fork()
    if not child:
        return "child"
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        await asyncio.sleep(0.01)
    other = LocalSignalBus(sys.argv[1])
    receivers = await other._link.through(lambda: other._publish([("PUBSUB:signal:other", b"{}")]))
    await broker._depot.reap()
    print("parent", *receivers, len(held) - len(await broker._renew(held)))
    await bus.close(), await broker.close(), await other.close()
    return "parent"

if asyncio.run(parent()) == "child":
    asyncio.run(child())
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


def test_child_does_not_clear_its_parent_away(tmp_path):
    """
    A child that uses the bus and broker it has from its parent opens its own; the parent, which has them open, stays
    what it was for everybody.
    """
    said = subprocess.run(
        [sys.executable, "-c", HEIRS, f"local://{tmp_path}/place"],
        timeout=30,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["child", "2", "parent", "1", "1"]


def test_descriptors_lead_nowhere_in_a_child_alone(tmp_path):
    """What the parent has it keeps; in the child the same number is /dev/null."""
    said = subprocess.run(
        [sys.executable, "-c", TURN, f"{tmp_path}/place"], timeout=30, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["child", os.devnull, "parent", f"{tmp_path}/place/turn.lock"]
