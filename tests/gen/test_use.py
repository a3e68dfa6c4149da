"""What a generated package does when it is imported."""

import ast
import subprocess
import sys
import typing

import pytest
from generating import contents, imported, package, run, unique, written

import microagent
from microagent import Queue, Signal, load_signals
from microagent.tools.memory import MemoryBroker, MemorySignalBus


def one_signal(**more):
    return {"signals": [{"name": unique("sig"), "providing_args": {"user_id": "integer"}, **more}]}


def test_package_exports_the_same_names_whatever_is_declared(tmp_path):
    """Bus, Broker, Agent, signals and queues are there even when nothing is declared."""
    with imported(package(tmp_path, {"signals": [], "queues": []})) as contracts:
        assert {"Agent", "Broker", "Bus", "queues", "signals"} <= set(contracts.__all__)
        assert issubclass(contracts.Agent, microagent.MicroAgent)


def test_generated_signals_are_registered(tmp_path):
    """Importing a generated package declares its signals and queues, with their arguments."""
    document = one_signal()
    name, queue = document["signals"][0]["name"], unique("queue")
    with imported(package(tmp_path, {**document, "queues": [{"name": queue}]})) as contracts:
        assert getattr(contracts.signals, name) is Signal.get(name)
        assert Signal.get(name).providing_args == ["user_id"]
        assert getattr(contracts.queues, queue) is Queue.get(queue)


def test_loaded_and_generated_declarations_are_the_same_objects(tmp_path):
    """Loading a file and then importing what was generated from it gives one object per name."""
    document = one_signal(returns="integer", description="Words that do not count.")
    loaded = load_signals(f"file://{written(tmp_path, 'declared.json', document)}")
    with imported(package(tmp_path, document)) as contracts:
        name = document["signals"][0]["name"]
        assert getattr(contracts.signals, name) is getattr(loaded, name)


@pytest.mark.parametrize(
    "payload",
    [
        {"properties": {"at": {"type": "string", "format": "date-time"}}, "required": ["at"]},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "object", "properties": {"a": {"enum": ["it's", '"', "\\", "\ud800", "\u2028", 1, None]}}},
        {"properties": {"next": {"$ref": "#"}, "order": {"$ref": "#/$defs/Order"}}},
    ],
)
def test_embedded_structure_is_that_of_the_file(payload, tmp_path):
    """The declaration inside a generated module has the fingerprint of the one in the file."""
    name = unique("sig")
    document = {"signals": [{"name": name, "payload": payload}], "$defs": {"Order": {"type": "object"}}}
    loaded = load_signals(f"file://{written(tmp_path, 'declared.json', document)}")
    before = getattr(loaded, name).fingerprint
    with imported(package(tmp_path, document)) as contracts:
        assert getattr(contracts.signals, name).fingerprint == before


async def test_typed_faces_send_and_deliver(tmp_path):
    """An agent of a generated package receives what its typed bus and broker send."""
    document, queue = one_signal(returns="integer"), unique("queue")
    name = document["signals"][0]["name"]
    document["queues"] = [
        {"name": queue, "payload": {"properties": {"text": {"type": "string"}}, "required": ["text"]}}
    ]
    with imported(package(tmp_path, document)) as contracts:
        bus, broker = contracts.Bus(MemorySignalBus()), contracts.Broker(MemoryBroker())

        class Doubling(contracts.Agent):
            @microagent.receiver(getattr(contracts.signals, name))
            async def double(self, user_id, **kwargs):
                return user_id * 2

        agent = Doubling(bus=bus, broker=broker)
        await agent.start()
        try:
            answers = await bus[name].call("test", user_id=21)
            assert list(answers.values()) == [42]
            await getattr(broker, queue).send({"text": "Hi"})
            assert await getattr(broker, queue).length() == 1
        finally:
            await agent.stop()


async def test_one_agent_uses_two_packages(tmp_path):
    """Bus and broker of an agent may be made of those of several packages; what both declare is one signal."""
    shared, queue, own, other = unique("shared"), unique("queue"), unique("own"), unique("other")
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    first = {"signals": [{"name": shared, "providing_args": ["n"]}, {"name": own, "providing_args": ["n"]}]}
    second = {"signals": [{"name": shared, "providing_args": ["n"]}, {"name": other, "providing_args": ["n"]}]}
    one_package = package(tmp_path / "one", first)
    two_package = package(tmp_path / "two", {**second, "queues": [{"name": queue}]})
    with imported(one_package) as one, imported(two_package) as two:
        assert getattr(one.signals, shared) is getattr(two.signals, shared)

        class Bus(one.Bus, two.Bus):
            """The signals of both."""

        class Broker(one.Broker, two.Broker):
            """The queues of both."""

        class Both(microagent.MicroAgent[Bus, Broker]):
            @microagent.receiver(getattr(one.signals, own), getattr(two.signals, other), getattr(two.signals, shared))
            async def add(self, n, **kwargs):
                return n + 1

        async with MemorySignalBus() as bus, MemoryBroker() as broker:
            agent = Both(bus=bus, broker=broker)
            await agent.start()
            for name in (own, other, shared):
                assert await getattr(agent.bus, name).call("test", n=1) == {"Both.add": 2}
            await getattr(agent.broker, queue).send({})
            assert await getattr(agent.broker, queue).length() == 1
            await agent.stop()


def test_payload_classes_tell_required_from_optional(tmp_path):
    """A TypedDict of the package knows which keys must be there."""
    payload = {"properties": {"a": {"type": "integer"}, "b-c": {"type": "string"}}, "required": ["a"]}
    queue = unique("queue")
    with imported(package(tmp_path, {"queues": [{"name": queue, "payload": payload}]})) as contracts:
        [message] = [value for name, value in vars(contracts).items() if name.endswith("Message")]
        assert message.__required_keys__ == {"a"}
        assert message.__optional_keys__ == {"b-c"}
        assert typing.get_type_hints(message) == {"a": int, "b-c": str}


def test_recursive_classes_can_be_resolved(tmp_path):
    """A payload that holds itself has annotations that Python can resolve."""
    payload = {"properties": {"children": {"type": "array", "items": {"$ref": "#"}}}, "required": ["children"]}
    with imported(package(tmp_path, {"queues": [{"name": unique("tree"), "payload": payload}]})) as contracts:
        [message] = [value for name, value in vars(contracts).items() if name.endswith("Message")]
        assert typing.get_type_hints(message) == {"children": list[message]}


HOSTILE = [
    '"""\nimport os\nos._exit(3)\n"""',
    "'''; raise SystemExit('no')",
    "\\",
    "ends with a backslash \\",
    '\\"""\\',
    '"',
    "\r\n\tx\x00\x1b[31m\u2028\u2029\x85\ufeff",
    "\ud800 and \udfff",
    "\u202e reversed \u2066",
    "{{ 7 * 7 }} {% raw %} {# gone #}",
    "# coding: latin-1",
    "é 日本 💥",
    "   \n   ",
    "first\n\n\n    indented\n",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_stays_text(text, tmp_path):
    """Whatever stands in descriptions, keys and values, it is data in the generated module and nothing else."""
    payload = {
        "description": text,
        "properties": {text: {"enum": [text, 1], "description": text}, "plain": {"const": text, "description": text}},
        "required": [text],
    }
    name, queue = unique("sig"), unique("queue")
    signal = {"name": name, "providing_args": ["a"], "description": text}
    document = {"signals": [signal], "queues": [{"name": queue, "payload": payload, "description": text}]}
    with imported(package(tmp_path, document)) as contracts:
        [message] = [value for key, value in vars(contracts).items() if key.endswith("Message")]
        assert message.__required_keys__ == {text}
        assert typing.get_type_hints(message)["plain"] == typing.Literal[text]
        assert getattr(contracts.queues, queue).declaration.payload["required"] == [text]


@pytest.mark.parametrize("text", HOSTILE)
def test_generated_source_is_plain_to_read(text, tmp_path):
    """No control character, no direction mark and no invisible separator gets into a generated file."""
    folder = package(tmp_path, one_signal(description=text))
    for source in contents(folder).values():
        assert all(line.isprintable() for line in source.decode().split("\n"))


@pytest.mark.parametrize(
    "name", ["dict", "str", "list", "int", "type", "object", "print", "exception", "signals", "agent"]
)
def test_names_of_builtins_can_be_declared(name, tmp_path):
    """Signals, queues, arguments and keys may be called like builtins or like parts of the package."""
    document = {
        "signals": [{"name": name, "providing_args": {name: "object", "other": "string"}}],
        "queues": [{"name": name, "payload": {"properties": {name: {"type": "object"}, "other": {"type": "string"}}}}],
    }
    folder = package(tmp_path, document)
    done = run_python(f"import {folder.name} as c; print(c.signals.{name}.name, c.queues.{name}.name)", tmp_path)
    assert done == f"{name} {name}\n"


def run_python(code, folder):
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_generated_package_needs_neither_the_generator_nor_its_libraries(tmp_path):
    """A generated package imports microagent and the standard library: no jinja2, no jsonschema."""
    folder = package(tmp_path, one_signal())
    code = (
        f"import sys, {folder.name}; "
        "print({'jinja2', 'jsonschema', 'microagent_gen'} & set(sys.modules) or 'none of them')"
    )
    assert run_python(code, tmp_path) == "none of them\n"


def many(count):
    signals = [{"name": f"sig_{number:04}", "providing_args": {"a": "integer"}} for number in range(count)]
    queues = [{"name": f"queue_{number:04}"} for number in range(count)]
    return {"signals": signals, "queues": queues}


def test_many_declarations_are_spread_over_modules(tmp_path):
    """More than 200 signals stand in several modules, and are found in one place all the same."""
    folder = package(tmp_path, many(201))
    assert {"_signals_001.py", "_signals_002.py", "_queues_001.py", "signals.py"} <= contents(folder).keys()
    code = (
        f"from {folder.name} import Bus, Sig_0200, signals, queues; "
        "print(signals.sig_0000.name, signals.sig_0200.name, queues.queue_0200.name, len(Sig_0200.__annotations__))"
    )
    assert run_python(code, tmp_path) == "sig_0000 sig_0200 queue_0200 1\n"


def test_modules_that_are_not_needed_any_more_are_removed(tmp_path):
    """When declarations become few again, the modules that held the rest go away."""
    folder = package(tmp_path, many(201))
    result = run(written(tmp_path, "declared.json", many(3)), "-o", folder)
    assert "4 files removed" in result.output
    assert contents(folder).keys() == {"__init__.py", "signals.py", "queues.py", "py.typed"}


def test_another_declaration_renames_no_class(tmp_path):
    """The classes of a signal keep their names when other signals and queues are declared."""
    nested = {"properties": {"meta": {"$ref": "#/$defs/Meta"}, "line": {"properties": {"a": {"type": "string"}}}}}
    shared = {"Meta": {"properties": {"b": {"type": "string"}}}}
    alone = {"signals": [{"name": "order", "payload": nested}], "$defs": shared}
    others = [{"name": name, "payload": nested} for name in ("an_order", "order_bound", "order_handler", "order_line")]
    crowd = {**alone, "signals": [*others, *alone["signals"]], "queues": [{"name": "order", "payload": nested}]}
    before, after = (classes(package(tmp_path, document)) for document in (alone, crowd))
    assert before == {"Order", "Meta", "Order_Line"}
    assert before < after


def classes(folder):
    """The names of the TypedDicts that the modules of a package define."""
    nodes = [
        node for name, source in contents(folder).items() if name.endswith(".py") for node in ast.parse(source).body
    ]
    return {node.name for node in nodes if isinstance(node, ast.ClassDef) and "TypedDict" in ast.dump(node)}
