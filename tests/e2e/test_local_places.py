"""Where ``local://`` may be: full disks, folders of others, long and winding paths, and after the loss of power."""

import asyncio
import fcntl
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from support import settled, unique

from microagent import BackendError, ConfigurationError, Queue, Signal
from microagent.delivery import Verdict
from microagent.tools.local import LocalBroker, LocalSignalBus

SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN: from now on nothing reaches the disk
AT_ONCE = (2).to_bytes(4, sys.byteorder)  # what was not written down yet is lost
SOMEBODY_ELSE = 65534

USES = """
import asyncio, os, sys
from microagent import ConfigurationError, Queue, Signal
from microagent.tools.local import LocalBroker, LocalSignalBus

os.setuid(int(sys.argv[2]))

async def use(cls):
    async with cls(sys.argv[1]):
        pass

for cls in (LocalBroker, LocalSignalBus):
    try:
        asyncio.run(use(cls))
    except ConfigurationError as error:
        print(error)
"""

SENDS = """
import asyncio, sys
from microagent.tools.local import LocalBroker

async def main():
    broker = LocalBroker(sys.argv[1], synchronous=sys.argv[2])
    for number in range(300):
        await broker.send("queue", '{"number": %d}' % number)
    print("sent", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@contextmanager
def mounted(place: Path, *command: str) -> Iterator[None]:
    """A disk of our own at ``place``; a test that cannot have one is skipped."""
    result = subprocess.run(["mount", *command, str(place)], check=False, capture_output=True, text=True)
    if result.returncode:
        pytest.skip(f"mounting is not allowed here: {result.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 4 MB, in memory."""
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root can mount a disk")
    place = tmp_path / "disk"
    place.mkdir()
    with mounted(place, "-t", "tmpfs", "-o", "size=4m", "tmpfs"):
        yield place


@pytest.fixture
def queue_name():
    return Queue(unique("place")).name


async def send_until_full(broker, name: str, size: int) -> list[bytes]:
    """Different messages, until one is refused; those that were accepted."""
    accepted: list[bytes] = []
    while True:
        body = b'{"%d": "%s"}' % (len(accepted), os.urandom(size // 2).hex().encode())
        if await is_refused(broker.send(name, body)):
            return accepted
        accepted.append(body)


async def is_refused(sending) -> bool:
    """Because there is no room; any other error is one of the test."""
    try:
        await sending
    except BackendError as error:
        if "disk" not in str(error):
            raise
        return True
    return False


async def take_all(broker, name: str) -> list[bytes]:
    """Take and acknowledge everything."""
    bodies: list[bytes] = []
    while deliveries := await broker._take(name, 100):
        bodies += [delivery.body for delivery in deliveries]
        await broker._settle([settled(delivery, Verdict.ACK) for delivery in deliveries])
    return bodies


@pytest.mark.parametrize("size", [500, 20_000, 200_000])
async def test_disk_that_messages_have_filled(small_disk, queue_name, size):
    """
    ``send`` raises; what was accepted is whole, and can be taken and acknowledged though the disk is full; then there
    is room again. Time after time.
    """
    async with LocalBroker(f"local://{small_disk}/place") as broker:
        for _ in range(3):
            accepted = await send_until_full(broker, queue_name, size)
            assert sum(map(len, accepted)) > 1_000_000
            assert await take_all(broker, queue_name) == accepted


async def test_disk_that_somebody_else_has_filled(small_disk, queue_name):
    """``send`` raises and leaves nothing of its message; what was accepted is kept; all works when there is room."""
    filler = small_disk / "filler"
    async with LocalBroker(f"local://{small_disk}/place") as broker:
        await broker.send(queue_name, b'{"number": 1}')
        fill(filler)
        with pytest.raises(BackendError, match="full"):
            await broker.send(queue_name, b'{"number": 2}')
        filler.unlink()
        await broker.send(queue_name, b'{"number": 3}')
        assert await take_all(broker, queue_name) == [b'{"number": 1}', b'{"number": 3}']


async def test_newcomer_on_a_full_disk(small_disk, queue_name):
    """Who finds no room for its files is told, and can begin when there is some."""
    filler = small_disk / "filler"
    fill(filler)
    broker = LocalBroker(f"local://{small_disk}/place")
    with pytest.raises(BackendError, match=r"No space left|full"):
        await broker.send(queue_name, b"{}")
    filler.unlink()
    await broker.send(queue_name, b"{}")
    assert await broker.queue_length(queue_name) == 1
    await broker.close()


def fill(path: Path) -> None:
    """Write to the file until the disk is full to the last byte."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    assert os.statvfs(path).f_bavail == 0


@pytest.mark.parametrize("synchronous", ["FULL", "NORMAL"])
async def test_loss_of_power(tmp_path, synchronous):
    """
    ``FULL``: all that ``send`` had returned for is there. ``NORMAL``: the last of it may be missing, the rest is whole.
    """
    if os.geteuid() or not shutil.which("mkfs.ext4"):
        pytest.skip("only root can mount a disk, and mkfs.ext4 is needed to make one")
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(32 * 1024 * 1024)
    await asyncio.to_thread(subprocess.run, ["mkfs.ext4", "-q", image], check=True)
    with mounted(place, "-o", "loop", str(image)):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SENDS, f"local://{place}/place", synchronous, stdout=asyncio.subprocess.PIPE
        )
        await process.stdout.readline()
        cut_off(place)
        process.kill()
        await process.communicate()
    with mounted(place, "-o", "loop", str(image)):
        async with LocalBroker(f"local://{place}/place") as broker:
            there = await take_all(broker, "queue")
    assert there == [b'{"number": %d}' % number for number in range(len(there))]
    assert synchronous != "FULL" or len(there) == 300


def cut_off(place: Path) -> None:
    """Let the disk be as it would be after the loss of power at this moment."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, SHUTDOWN, AT_ONCE)
    except OSError as error:
        pytest.skip(f"the disk cannot be cut off here: {error}")
    finally:
        os.close(descriptor)


@pytest.fixture
def open_place():
    """A folder in which anybody may look around; that of pytest is root's alone."""
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o755)
        yield Path(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize(
    ("owner", "user", "refusal"),
    [(0, SOMEBODY_ELSE, "Permission denied"), (SOMEBODY_ELSE, 0, "belongs to another user")],
    ids=["of root", "of another one"],
)
def test_folder_of_another_owner(open_place, owner, user, refusal):
    """Neither broker nor bus uses it, whoever they are, and the sentence says why."""
    folder = open_place / "place"
    folder.mkdir(mode=0o700)
    os.chown(folder, owner, owner)
    said = subprocess.run(
        [sys.executable, "-c", USES, f"local://{folder}", str(user)], check=True, capture_output=True, text=True
    )
    assert said.stderr == ""
    assert [line.startswith(f"{folder}: ") and refusal in line for line in said.stdout.splitlines()] == [True, True]
    assert os.listdir(folder) == []


async def test_everything_is_private_under_umask_0(tmp_path, queue_name):
    """Folder, sockets, locks, the file of the queues and what SQLite puts beside it."""
    folder = tmp_path / "place"
    before = os.umask(0)
    try:
        async with LocalBroker(f"local://{folder}") as broker, LocalSignalBus(f"local://{folder}"):
            await broker.send(queue_name, "{}")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(modes) == 10
    assert set(modes.values()) == {0o600}


async def test_link_on_the_way_is_followed(tmp_path, queue_name):
    """Processes that reach a folder by different paths meet in it; a link as the last step is refused."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    async with (
        LocalBroker(f"local://{tmp_path}/real/place") as one,
        LocalBroker(f"local://{tmp_path}/link/place") as two,
    ):
        await one.send(queue_name, "{}")
        assert await two.queue_length(queue_name) == 1
    (tmp_path / "place").symlink_to("real/place")
    with pytest.raises(ConfigurationError, match="no folder, or a link"):
        await LocalBroker(f"local://{tmp_path}/place").queue_length(queue_name)


async def test_path_of_more_than_two_hundred_characters(tmp_path, queue_name):
    """Longer than the address of a socket can be, for signals and messages."""
    folder = tmp_path / ("x" * 120) / ("y" * 120)
    folder.mkdir(parents=True)
    await meet(f"local://{folder}/place", f"local://{folder}/place", queue_name, receivers=1, length=1)


async def test_two_projects_side_by_side(tmp_path, queue_name):
    """Two folders have nothing to do with each other, though everything in them has the same names."""
    await meet(f"local://{tmp_path}/one", f"local://{tmp_path}/two", queue_name, receivers=0, length=0)


async def meet(here: str, there: str, name: str, *, receivers: int, length: int) -> None:
    """What is sent here arrives there, or not."""
    Signal(name, [])
    async with AsyncExitStack() as ends:
        bus, other_bus = [await ends.enter_async_context(LocalSignalBus(dsn)) for dsn in (here, there)]
        broker, other_broker = [await ends.enter_async_context(LocalBroker(dsn)) for dsn in (here, there)]
        await other_bus.bind(name)
        async with bus[name].waiter("test", timeout=5) as replies:
            assert replies.receivers == receivers
        await broker[name].send({})
        assert await other_broker[name].length() == length
