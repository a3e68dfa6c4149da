"""
The generated type takes every document that its schema takes: what the public JSON-Schema-Test-Suite calls valid.

Each schema becomes the one property of a queue. A schema without ``type`` that has ``properties`` or ``items`` is meant
for objects or arrays, and its type takes no other values; these are counted and left aside.
"""

import re
import typing
from dataclasses import replace
from typing import Any

import pytest
from hints import Hint
from json_schema_suite import DRAFTS, copy_documents, files, groups
from test_json_schema_suite import declared

from microagent.errors import DeclarationError
from microagent_gen.model import contract
from microagent_gen.render import render


@pytest.mark.parametrize("draft", DRAFTS)
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
    assert valid > 300
    assert meant_otherwise < valid / 4
    assert refused > 100


def generated(declaration: Any) -> Hint:
    """The annotation of the property in the generated package."""
    text = render(contract([], [declaration], ["suite.json"]))
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(text.get("_types.py", ""), namespace)
    own = text["queues.py"].partition("\nif _t.TYPE_CHECKING:")[0]
    exec(re.sub(r"from \._types import \([^)]*\)", "", own), namespace)
    root = next(value for name, value in namespace.items() if name.endswith("Message"))
    return Hint(typing.get_type_hints(root, namespace)["value"], namespace)


def test_values_that_are_of_no_type_are_noticed() -> None:
    """Or the test above could not fail."""
    for value, hint in (("a", int), (True, int | None), ([1, "a"], list[int]), ([1], tuple[int, int]), ([], str)):
        assert not Hint(hint, {}).accepts(value)
    assert not Hint(typing.Literal[True], {}).accepts(1)
