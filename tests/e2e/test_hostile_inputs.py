"""Nothing is unpickled, evaluated or imported because a message or a file says so."""

import json
import subprocess
import sys
from pathlib import Path


def test_nothing_runs_that_came_from_outside(tmp_path: Path, redis_url: str) -> None:
    """
    Python's own audit events tell: no import, no compiled or executed code, no pickle, no process, no look-up of a name
    in the network, while hostile signals, calls, replies, messages and declarations pass.
    """
    program = Path(__file__).with_name("hostile_inputs.py")
    command = [sys.executable, "-W", "error", str(program), str(tmp_path), redis_url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["seen"] == []
    assert not told["imported"]
    assert told["handled"] > 2 * 6 * 2  # two good ones in each of two attacks on six agents, and what fits by chance
