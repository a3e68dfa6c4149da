"""Other ways to decode a payload and to check it: by hand, with jsonschema, with pydantic."""

import json
from collections.abc import Callable
from typing import Any

from peers.base import PAYLOAD, Peer

TYPES: dict[str, Any] = {name: type(value) for name, value in PAYLOAD.items()}


def by_hand() -> Callable[[bytes], Any]:
    def decode(body: bytes) -> Any:
        message = json.loads(body)
        for name, kind in TYPES.items():
            if not isinstance(message[name], kind):
                raise TypeError(name)
        return message

    return decode


def with_jsonschema() -> Callable[[bytes], Any]:
    from jsonschema import Draft202012Validator

    names = {int: "integer", str: "string", float: "number"}
    properties = {name: {"type": names[kind]} for name, kind in TYPES.items()}
    validator = Draft202012Validator({"type": "object", "properties": properties, "required": list(TYPES)})

    def decode(body: bytes) -> Any:
        message = json.loads(body)
        validator.validate(message)
        return message

    return decode


def with_pydantic() -> Callable[[bytes], Any]:
    from pydantic import create_model

    return create_model("Message", **{name: (kind, ...) for name, kind in TYPES.items()}).model_validate_json


WAYS = {"by-hand": by_hand, "jsonschema": with_jsonschema, "pydantic": with_pydantic}


def peer(dsn: str, tag: str) -> Peer:
    """:param dsn: the name of the way"""
    made = Peer(dsn, tag)
    made.decode = WAYS[dsn]()
    return made
