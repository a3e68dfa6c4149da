"""Schemas in normal form: translated to 2020-12, self-contained, with references to their own places only."""

import copy
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any, cast
from urllib.parse import quote

from microagent.jsontext import Complaint
from microagent.names import camel_case, digest
from microagent.pointers import find, pointer_to
from microagent.schemas.circles import Checks
from microagent.schemas.converting import Conversion, Converted, Env, Key, Keys, Link, extended
from microagent.schemas.drafts import SHARED
from microagent.schemas.library import Library, stem, title
from microagent.schemas.scopes import Found, Scope, Steps
from microagent.schemas.words import Schema

_PLAIN = re.compile(r"[\w.$:/ -]*")

MOST = 20_000
"""Definitions that a declaration uses, or a file has; dynamic references could otherwise multiply without end."""

MOST_IN_ALL = 500_000
"""Definitions of all declarations of a file; shared ones count for each declaration."""


@dataclass(frozen=True, slots=True)
class Normal:
    """
    Schemas in normal form, and the definitions that they share.

    :ivar definition_names: the original names of the definitions, in parts, which are the same in all
        declarations that share a definition
    """

    schemas: tuple[Schema, ...]
    definitions: Mapping[str, Schema]
    definition_names: Mapping[str, Steps]


class Bundler:
    """Brings the schemas of one library into normal form; problems are reported to the library."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._converted: dict[Key, Converted] = {}
        self._closed: dict[tuple[Key, tuple[str, ...]], Schema] = {}
        self._first: set[Key] = set()
        self._taken = 0
        self._is_too_much = False
        self._keys = Keys()
        self._alike: dict[Scope, set[str]] = {}
        self._checks = Checks(library, self.converted)

    def normal(self, *roots: Scope) -> Normal:
        """These schemas, with the definitions that they refer to, directly or through each other."""
        own = [self._own(root) for root in roots]
        keys = self._used(own)
        for each in [] if self._is_too_much else [*own, *map(self.converted, keys)]:
            self._checks.check(each)
        names = _names(keys, {name for each in own for name in _own_names(each.schema)})
        for each in own:
            _close(each.links, names)
        definitions = {names[key]: self._definition(key, names) for key in keys}
        return Normal(
            tuple(each.schema for each in own), definitions, {names[key]: self._original_name(key) for key in keys}
        )

    def converted(self, key: Key) -> Converted:
        """The translated schema of a definition."""
        if key not in self._converted:
            self._converted[key] = self._convert(key.found, key.env, is_own=False)
        return self._converted[key]

    def definition_complaints(self) -> None:
        """Check all definitions of the file, used or not."""
        found = filter(None, map(self._library.file.find, self._library.file.roots))
        keys = [self._keys.key(each, extended((), each.scope, each.context.resource)) for each in found]
        for key in sorted(self._closure(keys, MOST), key=lambda key: key.order):
            self._checks.check(self.converted(key))

    def _own(self, root: Scope) -> Converted:
        found = root.find(root.root)
        if found is None:
            return Converted(root)
        return self._convert(found, extended((), root, found.context.resource), is_own=True)

    def _convert(self, found: Found, env: Env, *, is_own: bool) -> Converted:
        if not self._library.is_sound(found):
            return Converted(found.scope)
        return Conversion(self._library, self._keys, found, env, is_own=is_own).result

    def _used(self, own: Iterable[Converted]) -> list[Key]:
        """The definitions that are used, sorted."""
        used = self._closure((key for each in own for key in each.targets), min(MOST, MOST_IN_ALL - self._taken))
        self._taken += len(used)
        return sorted(used, key=lambda key: key.order)

    def _closure(self, keys: Iterable[Key], most: int) -> set[Key]:
        """The definitions with all that they refer to; none, with a complaint, if these are too many."""
        used: set[Key] = set()
        waiting = list(keys)
        while waiting:
            if (key := waiting.pop()) in used:
                continue
            if len(used) == most or self._is_too_much:
                self._complain_of_many(key, most)
                return set()
            used.add(key)
            waiting += self.converted(key).targets
        return used

    def _complain_of_many(self, key: Key, most: int) -> None:
        """Report this once."""
        if not self._is_too_much:
            message = f"is one of more than {most} definitions that references lead to, which is too many"
            self._library.complain(key.scope, Complaint(message, key.steps))
        self._is_too_much = True

    def _definition(self, key: Key, names: Mapping[Key, str]) -> Schema:
        """The definition, made once for all declarations that have the same names for its targets."""
        template = self._converted[key]
        called = (key, tuple(names[target] for target in template.targets))
        if called not in self._closed and key not in self._first:
            self._first.add(key)
            _close(template.links, names)
            self._closed[called] = template.schema
        elif called not in self._closed:
            memo: dict[int, Any] = {}
            self._closed[called] = copy.deepcopy(template.schema, memo)
            _close([(memo[id(holder)], link) for holder, link in template.links], names)
        return self._closed[called]

    def _original_name(self, key: Key) -> Steps:
        """
        The parts of the original name: ``("Customer",)``, or ``("shared", "order", "status")`` in another file.

        The first part is empty for a definition that belongs to one declaration alone: part of its payload, or a result
        of its dynamic references.
        """
        scope, steps = key.scope, key.steps[len(key.scope.root) :]
        named = tuple(name for word, name in pairwise(steps) if word in SHARED) or steps[-1:]
        if key.env or not (scope.is_file or scope.name):
            return ("", *(named or (title(key.found),)))
        if scope not in self._alike:
            self._alike[scope] = _alike(scope)
        named = tuple(f"{name} {digest(name)}" if name in self._alike[scope] else name for name in named)
        return named if scope.is_file else (*_file(scope), *named)


# -- names


def _file(scope: Scope) -> Steps:
    folders = () if ":" in scope.name else PurePosixPath(scope.name).parts[:-1]
    return (*folders, stem(scope.name))


def _alike(scope: Scope) -> set[str]:
    """The definitions that differ from others only in punctuation, such as ``List<int[]>`` and ``List<int>``."""
    shared = [find(scope.value, (*scope.root, word)) for word in SHARED]
    names = [str(name) for each in shared if isinstance(each, Mapping) for name in cast("Mapping[str, Any]", each)]
    known = Counter(map(camel_case, set(names)))
    return {name for name in names if known[camel_case(name)] > 1 and not _PLAIN.fullmatch(name)}


def _names(keys: Iterable[Key], taken: set[str]) -> dict[Key, str]:
    """A unique name for each definition: its own if possible, otherwise one with its file and folders in front."""
    names: dict[Key, str] = {}
    used = set(taken)
    for key in keys:
        names[key] = next(name for name in _candidates(key) if name not in used)
        used.add(names[key])
    return names


def _candidates(key: Key) -> Iterator[str]:
    found = key.found
    name = title(found)
    yield name
    folders = [part.partition(".")[0] for part in reversed(key.scope.name.split("/")) if part]
    for folder in folders if found.steps != found.scope.root else folders[1:]:
        name = f"{folder}_{name}"
        yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1


def _own_names(schema: Schema) -> Iterable[str]:
    return () if isinstance(schema, bool) else cast("Mapping[str, object]", schema.get("$defs", {}))


def _close(links: Iterable[tuple[dict[str, Any], Link]], names: Mapping[Key, str]) -> None:
    for holder, link in links:
        steps = link.tail if link.key is None else ("$defs", names.get(link.key, ""), *link.tail)
        holder["$ref"] = f"#{quote(pointer_to(steps), safe='/~$')}" if steps else "#"
