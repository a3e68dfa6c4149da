"""Reserved names that are declared again."""

import json
from collections.abc import Iterable
from dataclasses import replace

from microagent.compat.changes import Change, Steps
from microagent.compat.forms import forms
from microagent.compat.members import member
from microagent.compat.scopes import Scope, Undecidable
from microagent.schemas.words import Schema

_ADDED = frozenset({"ARG_NO_ADD_REQUIRED", "ARG_NO_ADD_OPTIONAL", "ARG_NO_RENAME"})


def with_readded(found: list[Change], old: Scope, new: Scope, reserved: Iterable[str]) -> list[Change]:
    """
    The changes with those for reserved names that are declared again, which replace others about the same property.

    :param reserved: the paths of properties, with dots between names
    """
    readded = [_readded(path) for path in reserved if _is_declared(path, new) and not _is_declared(path, old)]
    places = {change.steps: change for change in found if change.rule in _ADDED}
    marked = [replace(each, source=places[each.steps].source) if each.steps in places else each for each in readded]
    known = {change.steps for change in readded}
    return [*(change for change in found if not (change.rule in _ADDED and change.steps in known)), *marked]


def _readded(path: str) -> Change:
    message = (
        f"{json.dumps(path)} is reserved, and declared again: it may have been sent before, and mean something else"
    )
    return Change("ARG_NO_READD", message, _steps(path), True, True)


def _steps(path: str) -> Steps:
    return tuple(step for name in path.split(".") for step in ("properties", name))


def _is_declared(path: str, scope: Scope) -> bool:
    schemas: list[Schema] = [scope.schema]
    for name in path.split("."):
        try:
            found = [form for schema in schemas for form in forms(schema, scope) if form.kind == "object"]
        except Undecidable:
            return False
        schemas = [member(form, name) for form in found if name in form.names]
    return bool(schemas)
