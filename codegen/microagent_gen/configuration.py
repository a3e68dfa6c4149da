"""The table ``[tool.microagent-gen]`` of a ``pyproject.toml``: defaults for the command line."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from microagent.compat.rules import MODES, RULES, Mode
from microagent.errors import ConfigurationError
from microagent.names import guess, shown
from microagent_gen.outputs import STDOUT, Outputs
from microagent_gen.projects import candidates
from microagent_gen.sources import is_url

TABLE = "tool.microagent-gen"
_KEYS = ("sources", "output", "lock", "asyncapi", "json-schema")
_COMPAT = "compat"
_COMPAT_KEYS = ("mode", "allow", "formats")


@dataclass(frozen=True, slots=True)
class Configuration:
    """The defaults of a run, and the ``file`` that they are from; None where there is no such table."""

    sources: tuple[str, ...] = ()
    outputs: Outputs = field(default_factory=Outputs)
    file: Path | None = None
    mode: Mode | None = None
    allow: tuple[str, ...] = ()
    formats: bool = False


def configuration(folder: Path) -> Configuration:
    """
    The configuration in the nearest ``pyproject.toml`` that has one; an empty one where none has.

    Paths in the file are relative to its folder, those of the result to the working directory.

    :raises ConfigurationError: if the file cannot be read, or the table is not valid
    """
    for path in candidates(folder):
        if path.is_file() and (table := _table(path)) is not None:
            return _configuration(path, table)
    return Configuration()


def _table(path: Path) -> Mapping[str, Any] | None:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as exc:
        raise ConfigurationError(f"{path}: cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: not valid UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise ConfigurationError(f"{path}: not valid TOML: {exc}") from None
    table: Any = document
    for step in TABLE.split("."):
        table = cast("Mapping[str, Any]", table).get(step) if isinstance(table, Mapping) else None
    if table is not None and not isinstance(table, Mapping):
        raise ConfigurationError(f"{path}: [{TABLE}] must be a table")
    return cast("Mapping[str, Any] | None", table)


def _configuration(path: Path, table: Mapping[str, Any]) -> Configuration:
    for key in table:
        if key not in (known := (*_KEYS, _COMPAT)):
            raise ConfigurationError(f"{path}: [{TABLE}] has no key {shown(key)}{guess(key, known)}")
    sources = table.get("sources", [])
    listed = cast("list[object]", [sources] if isinstance(sources, str) else sources)
    if not isinstance(sources, str | list) or not all(isinstance(source, str) for source in listed):
        raise ConfigurationError(f"{path}: [{TABLE}] sources must be a path or URL, or a list of them")
    outputs = {key: _output(path, table, key) for key in _KEYS[1:]}
    folder, schemas = outputs["output"], outputs["json-schema"]
    return Configuration(
        tuple(_from_folder(path.parent, source) for source in cast("list[str]", listed)),
        Outputs(
            Path(folder) if folder else None,
            outputs["lock"],
            outputs["asyncapi"],
            Path(schemas) if schemas else None,
        ),
        path,
        *_compat(path, table.get(_COMPAT, {})),
    )


def _compat(path: Path, table: object) -> tuple[Mode | None, tuple[str, ...], bool]:
    """The defaults of ``--mode``, ``--allow`` and ``--formats``."""
    name = f"{path}: [{TABLE}.{_COMPAT}]"
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{name} must be a table")
    settings = cast("Mapping[str, Any]", table)
    for key in settings:
        if key not in _COMPAT_KEYS:
            raise ConfigurationError(f"{name} has no key {shown(key)}{guess(key, _COMPAT_KEYS)}")
    mode, allow, formats = settings.get("mode"), settings.get("allow", []), settings.get("formats", False)
    if mode is not None and mode not in MODES:
        raise ConfigurationError(f"{name} mode must be one of {', '.join(MODES)}, not {shown(str(mode))}")
    if not isinstance(allow, list):
        raise ConfigurationError(f"{name} allow must be a list of rules")
    for rule in cast("list[object]", allow):
        if rule not in RULES:
            raise ConfigurationError(f"{name} allow: there is no rule {shown(str(rule))}{guess(str(rule), RULES)}")
    if not isinstance(formats, bool):
        raise ConfigurationError(f"{name} formats must be true or false")
    return mode, tuple(cast("list[str]", allow)), formats


def _output(path: Path, table: Mapping[str, Any], key: str) -> str | None:
    output = table.get(key)
    if (output is not None and not isinstance(output, str)) or output == STDOUT or "\0" in (output or ""):
        raise ConfigurationError(f"{path}: [{TABLE}] {key} must be a path: a string")
    return _from_folder(path.parent, output) if output else None


def _from_folder(folder: Path, path: str) -> str:
    """A path that is relative to the folder, as one that is relative to the working directory."""
    return path if is_url(path) or Path(path).is_absolute() else os.path.relpath(folder / path)
