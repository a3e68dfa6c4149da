"""The script that starts the example agents without marun."""

import signal
import subprocess
import sys
import time
from pathlib import Path


def test_agents_of_one_process_work_together(tmp_path: Path) -> None:
    """
    ``python -m examples.server`` runs the three agents in one process, on one bus and broker, until Ctrl-C.
    """
    output = tmp_path / "output"
    with output.open("w") as sink:
        server = subprocess.Popen([sys.executable, "-m", "examples.server"], cwd=tmp_path, stdout=sink, stderr=sink)
    try:
        deadline = time.monotonic() + 30
        while "answered  call     rpc_comments_count" not in output.read_text():
            assert server.poll() is None, output.read_text()
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.05)
        server.send_signal(signal.SIGINT)

        assert server.wait(timeout=30) == 0
        assert "consumed  message  mailer" in output.read_text()
        assert "Traceback" not in output.read_text()
    finally:
        server.kill()
        server.wait()
