"""Passes hostile inputs through buses, brokers and loaders, and prints what Python did meanwhile that it should not."""

import asyncio
import json
import logging
import pickle
import sys
from pathlib import Path
from typing import Any

from microagent import MicroAgent, MicroAgentError, Queue, Signal, consumer, load_queues, load_signals, receiver
from microagent.backends import make_broker, make_bus

# All that runs code, or brings some into the process (docs.python.org, "Audit events table").
FORBIDDEN = {
    *("import", "exec", "compile", "code.__new__", "function.__new__", "builtins.input"),
    *("pickle.find_class", "marshal.loads", "marshal.load", "ctypes.dlopen", "socket.getaddrinfo"),
    *("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "subprocess.Popen"),
}
UNUSED = "antigravity"  # a module that nobody has imported; it would open a browser

BODIES: list[Any] = [
    pickle.dumps(print),
    b"cos\nsystem\n(S'true'\ntR.",
    b"\x80\x04\x95",
    b"!!python/object/apply:os.system ['true']",
    b"__import__('antigravity')",
    b"{{7*7}}${7*7}%(name)s{0.__class__}",
    {"__import__": UNUSED, "__class__": UNUSED, "__reduce__": [UNUSED, []], "__globals__": {}},
    {"py/object": f"{UNUSED}.X", "py/reduce": [{"py/function": "os.system"}, ["true"]]},
    {"jsonlib": UNUSED, "backend": f"{UNUSED}.X", "dto_class": f"{UNUSED}.X", "handler": f"{UNUSED}.x"},
    {"$ref": "file:///etc/passwd", "$dynamicRef": f"http://127.0.0.1:9/{UNUSED}", "$schema": "file:///etc/passwd"},
    {"n": "{0.__init__.__globals__}", "s": "%s %(x)s %n", "u": "\\u0000\u2028"},
    {"#errors": {"__class__": UNUSED}},
]
FILES: list[dict[str, Any]] = [
    {"version": 2, "signals": [], "jsonlib": UNUSED, "default_prefix": UNUSED},
    {"version": 2, "signals": [{"name": "__import__", "providing_args": []}]},
    {"version": 2, "signals": [{"name": "a'); import antigravity; ('", "providing_args": ["x"]}]},
    {"version": 2, "signals": [{"name": "hostile_args", "providing_args": {"n": "antigravity.X"}}]},
    {"version": 2, "queues": [{"name": "hostile_ref", "payload": {"$ref": "file:///etc/passwd"}}]},
    {"version": 2, "queues": [{"name": "hostile_url", "payload": {"$ref": "http://127.0.0.1:9/x.json"}}]},
    {"version": 2, "queues": [{"name": "hostile_words", "payload": {"type": "object", "x-python": "antigravity"}}]},
]

signal, queue = Signal("hostile_signal", {"n": "integer"}), Queue("hostile_queue", payload={"required": ["n"]})


class Victim(MicroAgent):
    """Answers, and fails on what it is told to fail on."""

    handled = 0

    @receiver(signal)
    async def hear(agent, /, **arguments: Any) -> int:  # noqa: N805
        agent.handled += 1
        return len(arguments)

    @consumer(queue)
    async def take(agent, /, **message: Any) -> None:  # noqa: N805
        agent.handled += 1


async def attack(victim: Victim, bodies: list[Any]) -> None:
    """Send each as signal, call, reply and message; return when a good one of each was handled after them."""
    bus, broker = victim.bus, victim.broker
    for each in bodies:
        body = each if isinstance(each, bytes) else json.dumps(each).encode()
        for channel in (f"{signal.name}:x", f"{signal.name}:x#{bus.uid}.9~2", f"response:x#{bus.uid}.1~2"):
            await bus.send(f"{bus.prefix}:{channel}", body)
        await broker.send(queue.name, body)
    before = victim.handled
    await bus[signal.name].call("good", n=1)
    await broker[queue.name].send({"n": 1})
    async with asyncio.timeout(60):
        while victim.handled < before + 2 or await broker[queue.name].length():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def load(folder: Path, files: list[dict[str, Any]]) -> None:
    """Load each from its file; what is wrong with it is an error of ours."""
    for number, document in enumerate(files):
        path = folder / f"{number}.json"
        path.write_text(json.dumps(document))
        for loader in (load_signals, load_queues):
            try:
                loader(f"file://{path}")
            except MicroAgentError as error:
                logging.warning("%s", error)


async def main(folder: Path) -> None:
    victims = []
    for dsn in (f"local://{folder}/place", "memory://", *sys.argv[2:]):
        for validate in ("warn", "strict"):
            options = {"dsn": dsn, "validate": validate}
            ends = {"bus": make_bus({**options, "prefix": f"P{validate}"}), "broker": make_broker(options)}
            victims.append(Victim(**ends))
    for victim in victims:  # first what is harmless and wrong: what that needs is imported now
        await victim.start()
        await attack(victim, [b"{", b"[]", {}, {"n": "x"}, {"n": 1.5, "x": [{"y": None}]}])
        await victim.stop()
    load(folder, [json.loads(json.dumps(document).replace("hostile", "fine")) for document in FILES])
    seen: list[str] = []
    watching = True
    sys.addaudithook(lambda event, arguments: note(seen, event, arguments) if watching else None)
    for victim in victims:
        await victim.start()
        await attack(victim, BODIES)
        await victim.stop()
    load(folder, FILES)
    watching = False
    print(
        json.dumps(
            {"seen": seen, "handled": sum(victim.handled for victim in victims), "imported": UNUSED in sys.modules}
        )
    )


def note(seen: list[str], event: str, arguments: tuple[Any, ...]) -> None:
    if event in FORBIDDEN:
        seen.append(f"{event} {str(arguments)[:200]}")


asyncio.run(main(Path(sys.argv[1])))
