"""``local://`` and those who do not belong there: other users, nonsense, crowds."""

import asyncio
import os
import resource
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest
from support import unique, until

from microagent import MicroAgent, Signal, receiver
from microagent.tools.local import LocalSignalBus

NOBODY = 65534
CROWD = 10_000
MEGABYTES = 100  # that a crowd may take
MANY_CALLS = 100

KNOCKS = """
import os, socket, sys
os.setgid(65534)
os.setuid(65534)
try:
    os.chdir(sys.argv[1])
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(sys.argv[2])
        connection.settimeout(20)
        connection.sendall(bytes.fromhex(sys.argv[3]))
        print("closed" if connection.recv(1) == b"" else "heard")
except (PermissionError, ConnectionError) as error:
    print(type(error).__name__)
"""

STAYS = """
import os, resource, socket, sys
count = int(sys.argv[3])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, max(hard, count + 100)))
os.chdir(sys.argv[1])
crowd = [socket.socket(socket.AF_UNIX) for _ in range(count)]
for connection in crowd:
    connection.connect(sys.argv[2])
print("there", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that other users may look into from above; that of pytest is its owner's alone."""
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o755)
        yield Path(path) / "place"


class Pair:
    """A bus that answers and one that asks, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.signal = Signal(unique("signal"), ["number"])
        self.folder = folder

        class Answering(MicroAgent):
            @receiver(self.signal)
            async def answer(self, number: int, **_: object) -> int:
                return number + 1

        self._agent = Answering(bus=LocalSignalBus(f"local://{folder}"))
        self._asking = LocalSignalBus(f"local://{folder}")

    async def open(self) -> None:
        await self._agent.start()
        await self.talks()

    async def close(self) -> None:
        await self._agent.stop(timeout=0)
        await self._asking.close()

    async def talks(self) -> None:
        """Calls are answered, at once."""
        for number in range(MANY_CALLS):
            told = await self._asking[self.signal.name].call("test", timeout=5, number=number)
            assert told == {"Answering.answer": number + 1}

    @property
    def sockets(self) -> list[str]:
        """Names of those that the two listen at."""
        return sorted(name for name in os.listdir(self.folder) if name.endswith(".sock"))


@pytest.fixture
async def pair(folder: Path) -> AsyncIterator[Pair]:
    pair = Pair(folder)
    await pair.open()
    yield pair
    await pair.close()


def knock(pair: Pair, said: bytes) -> str:
    """What a process of another user gets that says this to the first socket."""
    command = (sys.executable, "-c", KNOCKS, str(pair.folder), pair.sockets[0], said.hex())
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
async def test_process_of_another_user_does_not_get_in(pair: Pair):
    """The folder is closed to it."""
    assert await asyncio.to_thread(knock, pair, b"") == "PermissionError"
    await pair.talks()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
async def test_process_of_another_user_is_cut_off(pair: Pair, caplog: pytest.LogCaptureFixture):
    """Where somebody has opened the folder, the kernel says who it is, and nothing that it says is heard."""
    pair.folder.chmod(0o755)
    for name in pair.sockets:
        (pair.folder / name).chmod(0o666)
    frame = struct.pack("!IB", 0xFFFFFFFF, 4)  # heard, it would be complained of
    assert await asyncio.to_thread(knock, pair, frame) in ("closed", "ConnectionResetError", "BrokenPipeError")
    await until(lambda: f"a process of user {NOBODY} wants to take part" in caplog.text)
    assert "a frame of" not in caplog.text
    await pair.talks()


def resident() -> float:
    """Megabytes of this process."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def flood(connection: socket.socket, begin: bytes) -> None:
    """Say this and then zeros, for ever."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, begin)
    while True:
        await loop.sock_sendall(connection, bytes(1 << 20))


async def test_length_of_four_gigabytes_takes_no_memory(pair: Pair, caplog: pytest.LogCaptureFixture):
    """It is refused by its header, whatever follows; the others go on talking."""
    before = resident()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.setblocking(False)
        descriptor = os.open(pair.folder, os.O_RDONLY)
        connection.connect(f"/proc/self/fd/{descriptor}/{pair.sockets[0]}")
        os.close(descriptor)
        with pytest.raises(ConnectionError):
            await flood(connection, struct.pack("!IB", 0xFFFFFFFF, 4))
    assert f"Process {os.getpid()} is cut off: a frame of 4294967295 bytes" in caplog.text
    assert resident() - before < 20
    await pair.talks()


@contextmanager
def descriptors(soft: int) -> Iterator[None]:
    """As long as the block runs, this process may have so many open."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft > hard and os.geteuid() != 0:
        pytest.skip(f"only {hard} descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, max(soft, hard)))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


class Crowd:
    """A process with very many connections that say nothing."""

    def __init__(self, pair: Pair, count: int) -> None:
        self._command = (sys.executable, "-c", STAYS, str(pair.folder), pair.sockets[0], str(count))

    async def __aenter__(self) -> "Crowd":
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(*self._command, stdin=pipe, stdout=pipe)
        return self

    async def is_there(self) -> None:
        assert self.process.stdout is not None
        assert await self.process.stdout.readline() == b"there\n"

    async def __aexit__(self, *failure: object) -> None:
        await self.process.communicate(b"")


def open_now() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_ten_thousand_idle_connections(pair: Pair, caplog: pytest.LogCaptureFixture):
    """Those who talk go on talking, a newcomer gets in, memory is bounded; then nothing is left of them."""
    descriptors_before, memory = open_now(), resident()
    with descriptors(CROWD + 500):
        async with AsyncExitStack() as stack:
            crowd = await stack.enter_async_context(Crowd(pair, CROWD))
            await crowd.is_there()
            await until(lambda: open_now() >= descriptors_before + CROWD)
            await pair.talks()
            newcomer = await stack.enter_async_context(LocalSignalBus(f"local://{pair.folder}"))
            assert await newcomer[pair.signal.name].call("test", number=1) == {"Answering.answer": 2}
            print(f"{CROWD:,} idle connections take {resident() - memory:.0f} MB")
            assert resident() - memory < MEGABYTES
            await newcomer.close()
        await until(lambda: open_now() <= descriptors_before + 5)
    await pair.talks()
    assert max(map(len, caplog.text.splitlines()), default=0) < 2000


async def test_crowd_that_there_are_no_descriptors_for(pair: Pair, caplog: pytest.LogCaptureFixture):
    """It waits at the door: those who are inside go on talking, and when it has gone, newcomers get in again."""
    before = open_now()
    with descriptors(before + 50):
        async with Crowd(pair, 200) as crowd:
            await crowd.is_there()
            await until(lambda: "no file descriptor left" in caplog.text)
            await pair.talks()
            assert len(caplog.records) < 100
    await until(lambda: open_now() <= before + 5)
    async with LocalSignalBus(f"local://{pair.folder}") as newcomer:
        assert await newcomer[pair.signal.name].call("test", number=1) == {"Answering.answer": 2}
