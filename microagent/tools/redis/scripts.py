"""The Lua scripts of a queue, each of which runs on the server as one atomic step."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files
from typing import Any, TypeAlias

from redis.exceptions import NoScriptError

from microagent.errors import BackendConnectionError, BackendError
from microagent.tools.redis.line import Command, Line, checked

Argument: TypeAlias = str | int | bytes


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and the SHA-1 hash under which a server caches it."""

    text: str
    hash: str

    @classmethod
    def load(cls, name: str) -> "Script":
        folder = files("microagent.tools.redis")
        text = "".join(folder.joinpath(f"{part}.lua").read_text("utf-8") for part in ("common", name))
        return cls(text, sha1(text.encode(), usedforsecurity=False).hexdigest())

    async def run(self, line: Line, *calls: "Call") -> list[Any]:
        """
        What each call gives, all in one round trip.

        :raises BackendError: if one fails
        """
        return checked(await self.ask(line, *map(self.command, calls)))

    def command(self, call: "Call") -> Command:
        """What :meth:`ask` takes."""
        return ("EVALSHA", self.hash, *call.arguments)

    async def ask(self, line: Line, *commands: Command) -> list[Any]:
        """
        The answer to each command, or a BackendError in its place; some are of this script, others of none.

        All in one round trip; a server that does not know the script is sent its text.

        :raises BackendConnectionError: if nothing was written
        :raises Unanswered: if the connection was lost after that
        """
        answers = await line.ask(*commands)
        unknown = [index for index, answer in enumerate(answers) if _is_unknown(answer)]
        if unknown:
            told = await _asked(line, [("EVAL", self.text, *commands[index][2:]) for index in unknown])
            for index, answer in zip(unknown, told, strict=True):
                answers[index] = answer
        return answers


async def _asked(line: Line, commands: Sequence[Command]) -> Sequence[Any]:
    """The answer to each; what the connection was lost for is told to each of these, and to no others."""
    try:
        return await line.ask(*commands)
    except BackendConnectionError as error:
        return [error] * len(commands)


def _is_unknown(answer: Any) -> bool:
    return isinstance(answer, BackendError) and isinstance(answer.__cause__, NoScriptError)


@dataclass(frozen=True, slots=True)
class Call:
    """A script for one queue."""

    queue: "Keys"
    given: Sequence[Argument]

    @property
    def arguments(self) -> Command:
        return (len(self.queue.all), *self.queue.all, *self.given)


class Keys:
    """
    The keys of one queue: the list that anybody may push to, and ours, ``{name}:...``.

    The braces are a hash tag: on a cluster all are on the node that has the list.
    """

    def __init__(self, name: str) -> None:
        self.list = name
        self.ready, self.delayed, self.bell, self.dead = (
            f"{{{name}}}:{part}" for part in ("ready", "delayed", "bell", "dead")
        )
        hidden = (f"{{{name}}}:{part}" for part in ("held:", "bodies", "failed", "crashed", "counters"))
        self.all = (name, self.ready, self.delayed, f"{{{name}}}:leased", *hidden, self.bell, self.dead)


TAKE = Script.load("take")
SETTLE = Script.load("settle")
RENEW = Script.load("renew")
MAINTAIN = Script.load("maintain")
RESEND = Script.load("resend")
DELAY = Script.load("delay")
