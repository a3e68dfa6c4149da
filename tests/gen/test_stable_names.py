"""Declarations come and go, and the classes of the others keep their names."""

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from microagent.sources.parsing import parse
from microagent_gen.classes import NameConflict
from microagent_gen.model import Contract, contract
from microagent_gen.records import Record

NAMES = ["a", "b", "a_b", "a_message", "b_result", "a_1", "a_thing", "a_item"]
TITLES = ["Thing", "Item", "A", "a b", "Result"]
KEYS = ["a", "b", "A", "b_c", "bound"]
DEFINITIONS = (["Thing", "BMessage"], ["item", "bound"], ["Thing", "item"])


class MadeUp:
    """Files of declarations that want each other's names often, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        names = [(kind, name) for kind in ("signals", "queues") for name in NAMES]
        self._names = iter(self.random.sample(names, 6))
        self.files = [self.file(names) for names in self.random.sample(DEFINITIONS, 2)]
        for _ in range(5):
            self.add()

    def file(self, names: list[str]) -> dict[str, Any]:
        self._shared = names
        return {"signals": [], "queues": [], "$defs": {name: self.object(1) for name in names}}

    def add(self) -> None:
        """Declare something more, anywhere."""
        file = self.random.choice(self.files)
        self._shared = list(file["$defs"])
        kind, name = next(self._names)
        declared = {"name": name, "payload": self.object(0)}
        if kind == "signals" and self.random.random() < 0.5:
            declared["returns"] = self.any(0)
        if kind == "queues" and self.random.random() < 0.3:
            declared["payload"] = {"$ref": f"#/$defs/{self.random.choice(self._shared)}"}
        file[kind].insert(self.random.randint(0, len(file[kind])), declared)

    def object(self, depth: int) -> dict[str, Any]:
        keys = self.random.sample(KEYS, self.random.randint(1, 3))
        found: dict[str, Any] = {"type": "object", "properties": {key: self.any(depth + 1) for key in keys}}
        if self.random.random() < 0.4:
            found["title"] = self.random.choice(TITLES)
        if depth and self.random.random() < 0.02:
            found["class_name"] = "Chosen"
        return found

    def any(self, depth: int) -> dict[str, Any]:
        chance = self.random.random()
        if chance < 0.3 or depth > 3:
            return {"type": self.random.choice(["string", "integer"])}
        if chance < 0.5:
            return {"$ref": f"#/$defs/{self.random.choice(self._shared)}"}
        return {"type": "array", "items": self.any(depth + 1)} if chance < 0.6 else self.object(depth)

    def package(self) -> Contract:
        found = [parse(json.dumps(file), f"{number}.json") for number, file in enumerate(self.files)]
        return contract(
            [signal for each in found for signal in each.signals],
            [queue for each in found for queue in each.queues],
            [],
        )


def classes(found: Contract) -> Iterator[tuple[tuple[str, str], Mapping[str, object]]]:
    """What each declaration has and uses, by the names of the classes."""
    shared = {record.name: record for record in found.shared}
    for kind, models in (("signal", found.signals), ("queue", found.queues)):
        for model in models:
            records: list[Record] = [*model.records, *(shared[name] for name in model.uses)]
            yield (kind, model.name), {record.name: (record.alias, record.entries) for record in records}


def before_and_after(seed: int) -> tuple[dict[Any, Any], dict[Any, Any]] | None:
    """The classes without and with one more declaration; None if people have to choose names."""
    made_up = MadeUp(seed)
    try:
        before = dict(classes(made_up.package()))
        made_up.add()
        return before, dict(classes(made_up.package()))
    except NameConflict:
        return None


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**64))
def test_another_declaration_renames_no_class(seed: int) -> None:
    """Whatever it is, in whichever file and place: it is refused, or all that was there is called as before."""
    if (found := before_and_after(seed)) is not None:
        before, after = found
        assert len(after) == len(before) + 1
        assert {declared: after[declared] for declared in before} == before


def test_many_declarations_that_are_made_up_are_taken() -> None:
    """The test above is about them, and not only about what is refused."""
    assert sum(before_and_after(seed) is not None for seed in range(40)) > 10
