"""What AsyncAPI itself says of documents: its schemas and examples, as npm has them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from servers.programs import from_npm, unavailable

PACKAGE = "@asyncapi/specs@6.11.1"


@cache
def specs() -> Path:
    """The folder of the package."""
    folder = from_npm(PACKAGE)
    return unavailable(f"{PACKAGE} cannot be had from npm") if folder is None else folder


@cache
def _validator(version: str) -> Draft7Validator:
    return Draft7Validator(json.loads((specs() / "schemas" / f"{version}-without-$id.json").read_text()))


def faults(document: Any) -> list[str]:
    """What is wrong with a document, by the schema of its version."""
    errors = _validator(document["asyncapi"]).iter_errors(document)
    return [f"{error.json_path}: {error.message[:300]}" for error in errors]


def examples(name: str, version: str = "3.0.0") -> list[Any]:
    """The examples of an object of the specification."""
    found: list[Any] = json.loads((specs() / "examples" / version / f"{name}.json").read_text())
    return found
