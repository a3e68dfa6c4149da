"""What checks each keyword of a declaration's schemas: its type, msgspec, jsonschema or nothing."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from microagent.declarations import QueueDeclaration, SignalDeclaration
from microagent.names import guess, shown
from microagent.pointers import pointer_to
from microagent.schemas.conjunctions import Place
from microagent.schemas.deciding import decide
from microagent.schemas.reading import typed_keywords
from microagent.schemas.words import FORMATS, Schema, as_object, every_schema, is_annotation
from microagent_gen.sources import Collection

_FRAMES = frozenset({"$defs", "definitions", "$schema", "$id", "$anchor", "$dynamicAnchor"})
_LONGEST = 40
_HEAD = ("place", "keyword", "in the type", "at run time")
_ANNOTATION = "nothing: it is documentation"


class UnknownName(LookupError):
    """No signal or queue of this name is declared; the message is a sentence for people."""


def explanation(collection: Collection, name: str) -> Iterator[str]:
    """
    A table for each schema of the signal and of the queue of this name, line by line.

    :raises UnknownName: if there is neither
    """
    found = [(kind, each[name]) for kind, each in _declared(collection) if name in each]
    if not found:
        names = sorted({name for _, each in _declared(collection) for name in each})
        raise UnknownName(f"no signal or queue {shown(name)} is declared{guess(name, names)}")
    for kind, declaration in found:
        yield from _of_declaration(kind, declaration)


def _declared(collection: Collection) -> list[tuple[str, Mapping[str, SignalDeclaration | QueueDeclaration]]]:
    return [("signal", collection.signals), ("queue", collection.queues)]


def _of_declaration(kind: str, declaration: SignalDeclaration | QueueDeclaration) -> Iterator[str]:
    payload: Schema = True if declaration.payload is None else declaration.payload
    title = f"{kind} {declaration.name}"
    yield from _table(f"{title}, payload", as_object(payload), declaration.definitions, payload=True)
    if isinstance(declaration, SignalDeclaration) and declaration.returns is not None:
        yield ""
        yield from _table(f"{title}, returns", declaration.returns, declaration.definitions)


def _table(title: str, schema: Schema, definitions: Mapping[str, Any], *, payload: bool = False) -> Iterator[str]:
    typed = typed_keywords(schema, definitions, payload=payload)
    checked = decide(schema, definitions).checked
    used = {steps[:2] for (in_file, steps), _ in [*checked, *typed] if in_file}
    rows = [
        (
            pointer_to(place[1]) or "/",
            _keyword(word, value),
            "yes" if (place, word) in typed else "-",
            _checker(word, value, checked.get((place, word), ())),
        )
        for place, word, value in _keywords(schema, definitions)
        if not place[0] or place[1][:2] in used
    ]
    yield f"{title}:"
    yield from _aligned([_HEAD, *rows])


def _keywords(schema: Schema, definitions: Mapping[str, Any]) -> Iterator[tuple[Place, str, object]]:
    """Every keyword of a schema and its definitions, with its place."""
    documents: list[tuple[bool, tuple[str, ...], Schema]] = [(False, (), schema)]
    documents += [(True, ("$defs", name), found) for name, found in definitions.items()]
    for in_file, start, document in documents:
        for steps, found in every_schema(document, start):
            for word, value in () if isinstance(found, bool) else found.items():
                if word not in _FRAMES:
                    yield (in_file, steps), word, value


def _keyword(word: str, value: object) -> str:
    """A keyword and its value, which is cut if it is long and left out if it holds schemas."""
    if isinstance(value, Mapping):
        return shown(word)[1:-1]
    text = json.dumps(value)
    return f"{ascii(word)[1:-1]}: {text if len(text) <= _LONGEST else text[: _LONGEST - 3] + '...'}"


def _checker(word: str, value: object, checkers: tuple[str, ...]) -> str:
    if checkers:
        return " and ".join(sorted(checkers, reverse=True))
    if word == "format" and value in FORMATS:
        return "nothing, or jsonschema with formats=True"
    return _ANNOTATION if is_annotation(word) or word == "format" else "nothing"


def _aligned(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    listed = list(rows)
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    for row in listed:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
