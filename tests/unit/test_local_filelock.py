"""Taking turns."""

import threading

import pytest

from microagent.tools.local.filelock import FileLock
from microagent.tools.local.folder import Folder


@pytest.fixture
def folder(tmp_path):
    folder = Folder.open(f"{tmp_path}/place")
    yield folder
    folder.close()


def test_second_waits_until_the_first_is_done(folder):
    """What happens inside is never inside of another's turn."""
    first, second, log = FileLock(folder, "turn.lock"), FileLock(folder, "turn.lock"), []
    begun = threading.Event()

    def work() -> None:
        begun.set()
        with second:
            log.append("second")

    with first:
        thread = threading.Thread(target=work)
        thread.start()
        begun.wait()
        log.append("first")
    thread.join()
    assert log == ["first", "second"]
    first.close()
    second.close()


def test_turn_ends_with_an_error(folder):
    """Whoever fails hands the turn on all the same."""
    first, second = FileLock(folder, "turn.lock"), FileLock(folder, "turn.lock")
    with pytest.raises(RuntimeError), first:
        raise RuntimeError
    with second:
        pass
    first.close()
    second.close()
