"""Whatever a schema says, what is generated from it is Python that can be imported."""

import json
import random
import re
import typing

import pytest

from microagent.errors import DeclarationError
from microagent.sources.parsing import parse
from microagent_gen.model import contract
from microagent_gen.render import render

KEYS = ["a", "b", "list", "Order", "_t", "self", "agent", "x-y", "", "class", "__d", "[]", "{}", "#", "$defs", "é"]
PLAIN = ["a", "b", "list", "Order", "_t", "agent", "é"]
LEAVES = [{}, True, {"type": "string"}, {"type": ["integer", "null"]}, {"enum": ["a", 1, None]}, {"const": "q\"'"}]


class Schemas:
    """Random schemas, the same for the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def any(self, depth=0):
        chance = self.random.random()
        if depth > 3 or chance < 0.2:
            return self.random.choice(LEAVES)
        if chance < 0.35:
            return {"$ref": self.random.choice(["#", "#/$defs/A", "#/$defs/B"])}
        if chance < 0.5:
            return {"type": "array", "items": self.any(depth + 1)}
        if chance < 0.6:
            return {"type": ["object", "array"], "items": self.any(depth + 1), "properties": {"k": self.any(depth + 1)}}
        return self.object(KEYS, depth)

    def object(self, keys, depth=0):
        properties = {self.random.choice(keys): self.any(depth + 1) for _ in range(self.random.randrange(4))}
        schema = {"type": "object", "properties": properties}
        schema["required"] = [key for key in properties if self.random.random() < 0.5]
        if self.random.random() < 0.3:
            schema["additionalProperties"] = self.random.choice([True, False, self.any(depth + 1)])
        return schema

    def document(self):
        signals = [
            {"name": f"sig_{number}", "payload": self.object(PLAIN), "returns": self.any()} for number in range(3)
        ]
        queues = [{"name": name, "payload": self.object(KEYS)} for name in ("plain", "dict", "list")]
        return {"signals": signals, "queues": queues, "$defs": {"A": self.any(), "B": self.any()}}


def declared_classes(files, name):
    """Run the part of a module that defines payload classes, and resolve their annotations."""
    namespace = {"__name__": "generated"}
    exec(files.get("_types.py", ""), namespace)
    own = files[name].partition("\nif _t.TYPE_CHECKING:")[0]
    exec(re.sub(r"from \._types import \([^)]*\)", "", own), namespace)
    classes = [value for value in namespace.values() if hasattr(value, "__required_keys__")]
    return [typing.get_type_hints(found, namespace) for found in classes]


@pytest.mark.parametrize("seed", range(60))
def test_what_is_generated_can_be_imported(seed):
    """A contract of random schemas is refused, or gives modules whose annotations can be resolved."""
    try:
        declared = parse(json.dumps(Schemas(seed).document()), "random.json")
    except DeclarationError:
        return
    files = render(contract(declared.signals, declared.queues, ["random.json"]))
    for name in ("signals.py", "queues.py"):
        assert declared_classes(files, name) or "TypedDict" not in files[name]


def test_most_random_contracts_are_accepted():
    """The test above is about what is generated more often than about what is refused."""
    accepted = 0
    for seed in range(60):
        try:
            parse(json.dumps(Schemas(seed).document()))
        except DeclarationError:
            continue
        accepted += 1
    assert accepted > 30
