"""The pipe by which children notice the end of their parent."""

import multiprocessing
import os
import subprocess
import sys
from multiprocessing.connection import wait

import pytest

from microagent.running.lifeline import Lifeline

PARENT = """
import multiprocessing, os, time
from microagent.running.lifeline import Lifeline

def child(lifeline):
    lifeline.hold()
    os.write(1, b"holds\\n")
    lifeline.wait()
    os.write(1, b"noticed\\n")

if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    lifeline = Lifeline(context)
    for _ in range(2):
        context.Process(target=child, args=(lifeline,)).start()
    time.sleep(3600)
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_notice_that_their_parent_was_killed(method: str, tmp_path: "os.PathLike[str]") -> None:
    """
    A parent that is killed with -9 is noticed by each of its children, however they were started.
    """
    script = os.path.join(tmp_path, "parent.py")
    with open(script, "w") as file:
        file.write(PARENT.format(method=method))
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        before = [parent.stdout.readline() for _ in range(2)]
        parent.kill()
        after = [parent.stdout.readline() for _ in range(2)]

    assert (before, after) == (["holds\n"] * 2, ["noticed\n"] * 2)


def test_lifeline_of_a_living_parent_is_silent() -> None:
    """
    As long as the parent lives, there is nothing to notice; closing is safe to repeat.
    """
    lifeline = Lifeline(multiprocessing.get_context("spawn"))
    reader, writer = lifeline.__getstate__()

    assert wait([reader], 0) == []
    assert writer is None
    lifeline.close()
    lifeline.close()
