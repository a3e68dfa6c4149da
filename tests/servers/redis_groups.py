"""Several Redis servers that belong together: a master, its replica and a Sentinel; a cluster."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redis import Redis

from servers import PATIENCE, free_port
from servers.redis import RedisServer

SLOTS = 16384
HIGHEST_PORT = 65535
BUS_OFFSET = 10_000


class Sentinel(RedisServer):
    """Watches a master, and makes its replica the master when it is gone for half a second."""

    def __init__(self, folder: Path, program: str, master: RedisServer) -> None:
        super().__init__(folder, program)
        lines = (
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {folder}",
            f"sentinel monitor mymaster 127.0.0.1 {master.port} 1",
            "sentinel down-after-milliseconds mymaster 500",
            "sentinel failover-timeout mymaster 3000",
        )
        (folder / "sentinel.conf").write_text("\n".join(lines) + "\n")

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.port}/mymaster/0"

    def command(self) -> Sequence[str]:
        return (self._program, str(self.folder / "sentinel.conf"), "--sentinel")


@contextmanager
def watched(folder: Path, program: str) -> Iterator[tuple[Sentinel, RedisServer]]:
    """A Sentinel that knows of a replica, and the master of both."""
    with ExitStack() as running:
        master = running.enter_context(RedisServer(folder / "master", program))
        following = ("--replicaof", "127.0.0.1", str(master.port))
        running.enter_context(RedisServer(folder / "replica", program, *following))
        sentinel = running.enter_context(Sentinel(folder / "sentinel", program, master))
        with Redis(port=sentinel.port) as client:
            _await(lambda: client.sentinel_slaves("mymaster"))
        yield sentinel, master


class Node(RedisServer):
    """One of a cluster. Nodes talk to each other 10,000 ports higher, where Redis 6.2 wants it."""

    def __init__(self, folder: Path, program: str) -> None:
        super().__init__(folder, program, "--cluster-enabled", "yes")
        while self.port > HIGHEST_PORT - BUS_OFFSET:
            self.port = free_port()


@contextmanager
def clustered(folder: Path, program: str) -> Iterator[str]:
    """The DSN of a cluster of three."""
    with ExitStack() as running:
        nodes = [running.enter_context(Node(folder / str(number), program)) for number in range(3)]
        clients = [running.enter_context(Redis(port=node.port)) for node in nodes]
        for number, client in enumerate(clients):
            client.cluster("ADDSLOTS", *range(number * SLOTS // 3, (number + 1) * SLOTS // 3))
            for node in nodes[:number]:
                client.cluster("MEET", "127.0.0.1", node.port)
        _await(lambda: all(_is_whole(client) for client in clients))
        yield "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)


def _is_whole(client: "Redis") -> bool:
    return client.cluster("INFO")["cluster_state"] == "ok" and len(client.cluster("SLOTS")) == 3


def _await(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the servers do not come together"
        time.sleep(0.05)
