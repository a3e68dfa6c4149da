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


def test_descriptors_lead_nowhere_in_a_child_alone(tmp_path):
    """What the parent has it keeps; in the child the same number is /dev/null."""
    said = subprocess.run(
        [sys.executable, "-c", TURN, f"{tmp_path}/place"], timeout=30, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["child", os.devnull, "parent", f"{tmp_path}/place/turn.lock"]
