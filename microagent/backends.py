"""Creates the bus or broker that an entry of the settings describes, and imports classes by their path."""

import inspect
import traceback
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from microagent.broker import AbstractQueueBroker
from microagent.bus import AbstractSignalBus
from microagent.dsn import broker_path, bus_path, hide
from microagent.errors import ConfigurationError, ExtraMissing
from microagent.execution import describe
from microagent.names import guess


def make_bus(entry: Mapping[str, Any]) -> AbstractSignalBus:
    """
    Create the signal bus of an entry of BUS, not connected::

        make_bus({"dsn": "redis://host:6379/0", "prefix": "shop"})

    :param entry: ``dsn``; ``backend``, the import path of a class, if the DSN's scheme does not select one; all other
        keys are keyword arguments of the constructor
    :raises ConfigurationError: if there is no such backend, or its constructor rejects the options
    """
    bus: AbstractSignalBus = _make(entry, AbstractSignalBus, bus_path)
    return bus


def make_broker(entry: Mapping[str, Any]) -> AbstractQueueBroker:
    """
    Create the queue broker of an entry of BROKER, not connected; see :func:`make_bus`.

    :raises ConfigurationError: if there is no such backend, or its constructor rejects the options
    """
    broker: AbstractQueueBroker = _make(entry, AbstractQueueBroker, broker_path)
    return broker


def _make(entry: Mapping[str, Any], kind: type, path_of: Callable[[str], str]) -> Any:
    if not ("dsn" in entry or "backend" in entry):
        raise ConfigurationError("it needs a 'dsn', or a 'backend' that works without one")
    path = entry.get("backend") or path_of(entry["dsn"])
    backend = import_class(path, kind)
    try:
        return backend(**{key: value for key, value in entry.items() if key != "backend"})
    except ConfigurationError:
        raise
    except Exception as error:
        problem = _unknown_options(backend, entry) or f"it cannot be created with these options: {describe(error)}"
        raise ConfigurationError(hide(f"{path}: {problem}", entry.get("dsn"))) from error


def _unknown_options(backend: type, entry: Mapping[str, Any]) -> str:
    """The options that the constructor does not have, as a sentence; empty if that is not the problem."""
    known = _options(backend)
    unknown = [] if known is None else [key for key in entry if key not in known and key != "backend"]
    return ", ".join(f"it has no option {key!r}{guess(key, known or ())}" for key in unknown)


def _options(backend: type) -> set[str] | None:
    """The keyword arguments of a constructor, those that it passes on to its bases included; None if it takes any."""
    known: set[str] = set()
    for constructor in (vars(each)["__init__"] for each in backend.__mro__ if "__init__" in vars(each)):
        parameters = inspect.signature(constructor).parameters.values()
        known |= _named(parameters)
        if not any(each.kind is each.VAR_KEYWORD for each in parameters):
            return known - {"self"}
    return None


def _named(parameters: Iterable[inspect.Parameter]) -> set[str]:
    return {each.name for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)}


def import_class(path: str, kind: type) -> type[Any]:
    """
    Import a class.

    :param path: ``package.module.Class``
    :param kind: the class that it has to be a subclass of
    :raises ConfigurationError: if it cannot be imported, or is not a subclass of ``kind``
    """
    module_path, _, name = path.rpartition(".")
    if not module_path:
        raise ConfigurationError(f"{path!r} is no import path, which has the form package.module.Class")
    module = import_named(module_path)
    found = getattr(module, name, None)
    if found is None:
        raise ConfigurationError(f"module {module_path!r} has no {name!r}{guess(name, _classes(module))}")
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise ConfigurationError(f"{path} is no {kind.__name__}")
    return found


def _classes(module: ModuleType) -> list[str]:
    return [name for name, value in vars(module).items() if isinstance(value, type)]


def import_named(path: str) -> ModuleType:
    """
    Import a module.

    :raises ConfigurationError: if there is none, or importing it fails; the message names the line
    """
    try:
        return import_module(path)
    except ExtraMissing as error:
        raise ConfigurationError(str(error)) from error
    except ModuleNotFoundError as error:
        raise ConfigurationError(_missing(path, error)) from error
    except (Exception, SystemExit) as error:  # a foreign module may raise anything
        raise ConfigurationError(f"importing {path!r} failed: {describe(error)}{_place(error)}") from error


def _missing(path: str, error: ModuleNotFoundError) -> str:
    missing = error.name or ""
    if f"{path}.".startswith(f"{missing}."):
        return f"there is no module {path!r}"
    return f"importing {path!r} failed: there is no module {missing!r}{_place(error)}"


def _place(error: BaseException) -> str:
    """``" (file, line n)"`` of the innermost frame that belongs neither to the import system nor to this library."""
    if isinstance(error, SyntaxError):
        return ""  # its text names the place
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_foreign(Path(frame.filename))]
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""


def _is_foreign(file: Path) -> bool:
    return "importlib" not in str(file) and Path(__file__).parent not in file.parents
