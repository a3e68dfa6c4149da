"""From names in settings to classes, buses and brokers."""

from pathlib import Path

import pytest
from support import without

from microagent import AbstractSignalBus, ConfigurationError
from microagent.backends import import_class, import_named, make_broker, make_bus
from microagent.tools.memory import MemoryBroker, MemorySignalBus


def test_dsn_says_the_backend() -> None:
    """
    ``backend`` may be left out where the DSN says it.
    """
    assert isinstance(make_bus({"dsn": "memory://"}), MemorySignalBus)
    assert isinstance(make_broker({"dsn": "memory://"}), MemoryBroker)


class MineSignalBus(MemorySignalBus):
    """One that is none of ours, with a scheme of its own."""

    SCHEMES = frozenset({"mine"})


def test_backend_is_taken_whatever_the_dsn() -> None:
    """
    ``backend`` decides where it is given, and other keys are arguments of its constructor.
    """
    bus = make_bus({"backend": f"{__name__}.MineSignalBus", "dsn": "mine://here", "prefix": "MINE"})

    assert isinstance(bus, MineSignalBus)
    assert (bus.dsn, bus.prefix) == ("mine://here", "MINE")


class Telling(MemorySignalBus):
    """A bus of somebody's own, that is not careful with passwords."""

    def __init__(self, dsn: str) -> None:
        raise RuntimeError(f"not {dsn}, nor hush")


def test_option_of_every_class_on_the_way_is_known() -> None:
    """
    What one constructor hands on to the next is an option too; one that takes anything has no unknown options.
    """
    assert make_broker({"dsn": "redis://h", "WAIT_TIME": 3, "lease": 5, "validate": "off"}).WAIT_TIME == 3
    with pytest.raises(ConfigurationError, match=r"RedisBroker: it has no option 'WAIT_TIM', did you mean 'WAIT_TIME'"):
        make_broker({"dsn": "redis://h", "WAIT_TIM": 3})


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({}, "it needs a 'dsn', or a 'backend' that works without one"),
        ({"dsn": "memory://", "backend": "Bus"}, "'Bus' is no import path, which has the form package.module.Class"),
        ({"dsn": "kafka://h"}, "no signal bus for 'kafka://h', only for memory, local, redis, rediss, unix"),
        (
            {"backend": "microagent.tools.memory.MemoryBroker"},
            "microagent.tools.memory.MemoryBroker is no AbstractSignalBus",
        ),
        (
            {"dsn": "memory://", "colour": "red"},
            "microagent.tools.memory.MemorySignalBus: it has no option 'colour'",
        ),
        (
            {"dsn": "redis://h", "prefx": "MINE"},
            "microagent.tools.redis.RedisSignalBus: it has no option 'prefx', did you mean 'prefix'?",
        ),
        (
            {"dsn": "local://", "send_timeot": 3, "validate": "warn"},
            "microagent.tools.local.LocalSignalBus: it has no option 'send_timeot', did you mean 'send_timeout'?",
        ),
        ({"dsn": "local://", "send_timeout": "3"}, "send_timeout='3' has to be a number of seconds"),
        (
            {"dsn": "mine://me:hush@h", "backend": f"{__name__}.Telling"},
            f"{__name__}.Telling: it cannot be created with these options: RuntimeError: not mine://me:***@h, nor ***",
        ),
    ],
)
def test_entry_that_is_wrong(entry: dict[str, str], sentence: str) -> None:
    """
    A bus that cannot be made is refused in one sentence.
    """
    with pytest.raises(ConfigurationError) as refusal:
        make_bus(entry)

    assert str(refusal.value).startswith(sentence)


def test_missing_driver_says_what_to_install() -> None:
    """
    A backend whose driver is not installed names the extra that has it.
    """
    with without("aiokafka"), pytest.raises(ConfigurationError) as refusal:
        make_broker({"dsn": "kafka://localhost:9092"})

    assert str(refusal.value) == "'microagent.tools.kafka' needs 'aiokafka': pip install 'microagent[kafka]'"


def test_module_that_imports_what_lacks_its_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A module of somebody's own that imports such a backend is told the same.
    """
    (tmp_path / "uses_amqp.py").write_text("from microagent.tools.amqp import AMQPBroker\n")
    monkeypatch.syspath_prepend(tmp_path)

    with without("aiormq"), pytest.raises(ConfigurationError) as refusal:
        import_named("uses_amqp")

    assert str(refusal.value) == "'microagent.tools.amqp' needs 'aiormq': pip install 'microagent[amqp]'"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("import not_there_at_all", "there is no module 'not_there_at_all' ({path}, line 1)"),
        ("\n\n1 / 0", "ZeroDivisionError: division by zero ({path}, line 3)"),
        ("raise SystemExit(3)", "SystemExit: 3 ({path}, line 1)"),
        ("def f(:", "SyntaxError: invalid syntax (broken_syntax.py, line 1)"),
    ],
    ids=["import", "division", "exit", "syntax"],
)
def test_module_that_fails_names_the_line(
    text: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """
    Whatever a module raises when it is imported is one sentence, with the place.
    """
    name = f"broken_{request.node.callspec.id}"
    path = tmp_path / f"{name}.py"
    path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ConfigurationError) as refusal:
        import_named(name)

    assert str(refusal.value) == f"importing {name!r} failed: {sentence.format(path=path)}"


def test_handler_that_is_refused_names_its_own_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where this library refuses what a module says, the place is the module's.
    """
    path = tmp_path / "broken_handler.py"
    path.write_text("from microagent import cron\n\n\n@cron('99 * * * *')\nasync def late(self): ...\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ConfigurationError) as refusal:
        import_named("broken_handler")

    assert str(refusal.value).endswith(f"({path}, line 4)")


def test_module_that_is_not_there() -> None:
    """
    A module that does not exist is told from one that fails, also when a package above it is what is missing.
    """
    with pytest.raises(ConfigurationError, match=r"^there is no module 'nowhere\.at\.all'$"):
        import_named("nowhere.at.all")
    with pytest.raises(ConfigurationError, match=r"^there is no module 'microagent\.tools\.nowhere'$"):
        import_named("microagent.tools.nowhere")


def test_class_that_is_not_there_is_guessed() -> None:
    """
    A misspelt class is answered with the likely one.
    """
    with pytest.raises(ConfigurationError, match=r"has no 'MemoryBus', did you mean 'MemorySignalBus'\?$"):
        import_class("microagent.tools.memory.MemoryBus", AbstractSignalBus)
