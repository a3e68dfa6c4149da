"""Parse JSON text to declarations, or report all of its problems."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar, cast

from microagent import codec
from microagent.declarations import Declarations, QueueDeclaration, SignalDeclaration
from microagent.errors import DeclarationError, Problem, SerializingError
from microagent.jsontext import Complaint, Document, Steps, UnreadableError
from microagent.names import shown
from microagent.pointers import pointer_to
from microagent.schemas.siblings import Siblings

if TYPE_CHECKING:
    from microagent.schemas.library import Library

D = TypeVar("D", SignalDeclaration, QueueDeclaration)

_JSON_TYPES: dict[type, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
    type(None): "null",
}


def parse(text: bytes | str, source: str = "", siblings: Siblings | None = None) -> Declarations:
    """
    Parse a document of declarations or of AsyncAPI.

    :param text: JSON, in UTF-8 if it is bytes
    :param source: the file or URL that it is from, for messages; problems in files have a line and column
    :param siblings: the files beside it that it may refer to; None if it may refer to no other file
    :raises DeclarationError: with all problems
    """
    from microagent.schemas.library import Library
    from microagent.sources.contents import Contents  # with jsonschema, which is slow to import

    try:
        document = Document(text)
    except UnreadableError as exc:
        raise DeclarationError([Problem(f"{exc}{_hint(source)}", source, "", exc.line, exc.column)]) from None
    library = Library(document, source, siblings)
    locator = _Locator(source, library)
    if isinstance(content := cast("object", document.value), dict) and "asyncapi" in content:
        return _parse_asyncapi(document, locator)
    contents = Contents(document, library)
    complaints = [*document.mistakes, *contents.complaints]
    if complaints:
        raise DeclarationError(
            locator.problems([*complaints, *contents.warnings])
        )  # a warning about a misspelt key may explain a complaint
    return Declarations(
        tuple(_with_origins(locator, contents.signals())),
        tuple(_with_origins(locator, contents.queues())),
        locator.problems(contents.warnings),
        contents.compat,
    )


def _hint(source: str) -> str:
    """Advice for a document that is not JSON because it is YAML; empty for others."""
    if not source.lower().endswith((".yaml", ".yml")):
        return ""
    return "; YAML is not supported, convert it to JSON, for example with: yq -o json"


def _parse_asyncapi(document: Document, locator: "_Locator") -> Declarations:
    """The declarations of an AsyncAPI document."""
    from microagent.asyncapi.reading import AsyncApi
    from microagent.asyncapi.writing import EXTENSION
    from microagent.schemas.library import Library
    from microagent.sources.contents import Contents

    def contents_of(part: object) -> Contents:
        alone = Document(json.dumps(part))
        return Contents(alone, Library(alone, locator.source))

    api = AsyncApi(document.value)
    rest = contents_of({"compat": api.compat} if api.compat else {})
    api.complaints += [complaint.below(EXTENSION) for complaint in rest.complaints]
    found: dict[str, list[tuple[Steps, Any]]] = {"signals": [], "queues": []}
    warnings: list[Complaint] = []
    for declared in api.declared():
        contents = contents_of(declared.document)
        for complaint in contents.complaints:
            api.drop(declared.placed(complaint), declared.is_ours)
        if not contents.complaints:
            warnings += map(declared.placed, contents.warnings)
            found[declared.kind] += [(declared.steps, each) for _, each in (*contents.signals(), *contents.queues())]
    if complaints := [*document.mistakes, *api.complaints]:
        raise DeclarationError(locator.problems(complaints))
    return Declarations(
        tuple(_with_origins(locator, found["signals"])),
        tuple(_with_origins(locator, found["queues"])),
        locator.problems(warnings),
        rest.compat,
        locator.problems(api.notes),
    )


def declared_signal(
    name: str,
    providing_args: Sequence[str] | Mapping[str, str | Sequence[str]] = (),
    type_map: Mapping[str, tuple[type, ...]] | None = None,
    **keys: Any,
) -> SignalDeclaration:
    """
    The declaration of a signal that is declared in Python.

    :param keys: further keys of a declaration; those that are None are left out
    :raises DeclarationError: with all problems
    """
    entry = {"name": name, **_given(keys)}
    if type_map:
        entry["payload"] = _payload_of(providing_args, type_map)
    elif providing_args or "payload" not in entry:
        entry["providing_args"] = providing_args
    return _parsed("signal", entry).signals[0]


def declared_queue(name: str, **keys: Any) -> QueueDeclaration:
    """
    The declaration of a queue that is declared in Python.

    :param keys: further keys of a declaration; those that are None are left out
    :raises DeclarationError: with all problems
    """
    return _parsed("queue", {"name": name, **_given(keys)}).queues[0]


@dataclass(frozen=True, slots=True)
class _Locator:
    """Finds the places of complaints."""

    source: str
    library: "Library"

    def problems(self, complaints: Sequence[Complaint]) -> tuple[Problem, ...]:
        """The complaints as problems, in the order of the text; those about other files last."""
        files = sorted({each.file for each in complaints})
        return tuple(chain.from_iterable(self._of_file(file, complaints) for file in files))

    def _of_file(self, file: str, complaints: Sequence[Complaint]) -> Iterator[Problem]:
        asked = [each for each in complaints if each.file == file]
        source = str(self.library.siblings.folder / file) if file and self.library.siblings else self.source
        if source.startswith(("http://", "https://")):
            yield from (Problem(each.message, source, pointer_to(each.steps)) for each in asked)
            return
        places = self.library.document(file).places(asked)
        for (line, column), each in sorted(zip(places, asked, strict=True), key=lambda pair: pair[0]):
            yield Problem(each.message, source, pointer_to(each.steps), line, column)


def _with_origins(locator: _Locator, found: Iterable[tuple[Steps, D]]) -> Iterator[D]:
    listed = list(found)
    origins = locator.problems([Complaint("", steps) for steps, _ in listed])
    yield from (replace(declaration, origin=origin) for origin, (_, declaration) in zip(origins, listed, strict=True))


def _given(keys: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in keys.items() if value is not None}


def _parsed(kind: str, entry: Mapping[str, Any]) -> Declarations:
    """The declaration of an entry that is in no file."""
    source = f"{kind} {shown(str(entry['name']))}"
    try:
        found = parse(codec.encode({f"{kind}s": [entry]}), source)
    except SerializingError as exc:
        raise DeclarationError([Problem(str(exc), source)]) from exc
    except DeclarationError as exc:
        raise DeclarationError(_without_place(source, exc.problems)) from None
    alone: Any = {f"{kind}s": tuple(replace(each, origin=None) for each in getattr(found, f"{kind}s"))}
    return replace(found, **alone)


def _without_place(source: str, problems: Iterable[Problem]) -> Iterator[Problem]:
    for problem in problems:
        below_entry = problem.pointer.split("/")[3:]  # /signals/0/...
        yield Problem(problem.message, source, "".join(f"/{step}" for step in below_entry))


def _payload_of(names: Iterable[str], type_map: Mapping[str, tuple[type, ...]]) -> dict[str, Any]:
    """The schema of arguments with Python types; ``(int, float)`` is a ``number``, as in microagent 1.7."""
    properties = {name: {"type": _json_types(type_map[name])} if name in type_map else {} for name in names}
    return {"type": "object", "properties": properties, "required": list(names)}


def _json_types(types: tuple[type, ...]) -> list[str]:
    found = [_JSON_TYPES.get(each, str(getattr(each, "__name__", each))) for each in types]
    return [each for each in found if not (each == "integer" and "number" in found)]
