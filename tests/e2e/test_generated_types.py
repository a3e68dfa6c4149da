"""
The generated type takes every document that its schema takes: what the public JSON-Schema-Test-Suite calls valid.

Each schema becomes the one property of a queue. A schema without ``type`` that has ``properties`` or ``items`` is meant
for objects or arrays, and its type takes no other values; these are counted and left aside.
"""

import builtins
import re
import types
import typing
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from json_schema_suite import copy_documents, files, groups
from test_json_schema_suite import declared

from microagent.errors import DeclarationError
from microagent_gen.model import contract
from microagent_gen.render import render


@pytest.mark.parametrize("draft", ["draft7", "draft2020-12"])
def test_no_generated_type_is_too_narrow(draft: str, tmp_path: Any) -> None:
    """No valid value contradicts it; that invalid ones do is what a type is for."""
    copy_documents(tmp_path)
    narrow, meant_otherwise, valid, refused = list[str](), 0, 0, 0
    for file in files(draft):
        for group in groups(draft, file):
            try:
                declaration = declared(group.schema, "payload", tmp_path)
            except DeclarationError:
                continue  # it needs another server; the runtime's test says so
            hint = generated(declaration)
            for test in group.tests:
                fits = hint.accepts(test["data"])
                valid += test["valid"]
                refused += not test["valid"] and not fits
                if test["valid"] and not fits:
                    if replace(hint, of_kind_only=True).accepts(test["data"]):
                        meant_otherwise += 1
                    else:
                        narrow.append(f"{file}: {group.description}: {test['description']}: {hint.type}")
    assert narrow == []
    assert valid > 400
    assert meant_otherwise < valid / 4
    assert refused > 150


def generated(declaration: Any) -> "Hint":
    """The annotation of the property in the generated package."""
    text = render(contract([], [declaration], ["suite.json"]))
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(text.get("_types.py", ""), namespace)
    own = text["queues.py"].partition("\nif _t.TYPE_CHECKING:")[0]
    exec(re.sub(r"from \._types import \([^)]*\)", "", own), namespace)
    root = next(value for name, value in namespace.items() if name.endswith("Message"))
    return Hint(typing.get_type_hints(root, namespace)["value"], namespace)


@dataclass(frozen=True)
class Hint:
    """
    An annotation, and where its names are.

    :ivar of_kind_only: whatever is no object is taken for what is meant for objects, and the same for arrays
    """

    type: Any
    namespace: dict[str, Any] = field(repr=False)
    of_kind_only: bool = False

    def accepts(self, value: Any) -> bool:
        """Whether a value is one of the type; 1.0 is an int, as it is an integer to JSON Schema."""
        hint, arguments = self.type, typing.get_args(self.type)
        if isinstance(hint, str | typing.ForwardRef):
            text = hint if isinstance(hint, str) else hint.__forward_arg__
            return self._inner(eval(text, self.namespace), value)
        match typing.get_origin(hint):
            case typing.Union | types.UnionType:
                return any(self._inner(option, value) for option in arguments)
            case typing.Literal:
                return any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in arguments)
            case builtins.list:
                return self._each([arguments[0]] * len(value), value) if isinstance(value, list) else self.of_kind_only
            case builtins.tuple:
                return self._each(arguments, value) if isinstance(value, list) else self.of_kind_only
            case builtins.dict:
                is_object = isinstance(value, dict)
                return self._each([arguments[1]] * len(value), value.values()) if is_object else self.of_kind_only
        if typing.is_typeddict(hint):
            return self._fits(value) if isinstance(value, dict) else self.of_kind_only
        return _is_plain(hint, value)

    def _inner(self, hint: Any, value: Any) -> bool:
        return replace(self, type=hint).accepts(value)

    def _each(self, hints: Any, values: Any) -> bool:
        return len(hints) == len(values) and all(map(self._inner, hints, values))

    def _fits(self, value: dict[str, Any]) -> bool:
        hints = typing.get_type_hints(self.type, self.namespace)
        return self.type.__required_keys__ <= value.keys() and all(
            self._inner(hints[name], each) for name, each in value.items() if name in hints
        )


def _is_plain(hint: Any, value: Any) -> bool:
    if hint is Any or isinstance(value, bool) or value is None:
        return hint in {Any, value if value is None else type(value), type(value)}
    if hint is int:
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, int | float) if hint is float else hint is str and isinstance(value, str)


def test_values_that_are_of_no_type_are_noticed() -> None:
    """Or the test above could not fail."""
    for value, hint in (("a", int), (True, int | None), ([1, "a"], list[int]), ([1], tuple[int, int]), ([], str)):
        assert not Hint(hint, {}).accepts(value)
    assert not Hint(typing.Literal[True], {}).accepts(1)
