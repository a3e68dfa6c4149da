"""From JSON text to declarations, or to every problem of the text."""

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
    What a document declares.

    :param text: JSON, in UTF-8
    :param source: a file or an URL, for messages; those of a file tell line and column
    :param siblings: what is beside the file, for references that lead there; without, they are refused
    :raises DeclarationError: with every problem of the text
    """
    from microagent.schemas.library import Library
    from microagent.sources.contents import Contents  # with jsonschema, which is slow to import

    try:
        document = Document(text)
    except UnreadableError as exc:
        raise DeclarationError([Problem(f"{exc}{_hint(source)}", source, "", exc.line, exc.column)]) from None
    library = Library(document, source, siblings)
    told = _Telling(source, library)
    if isinstance(content := cast("object", document.value), dict) and "asyncapi" in content:
        return _parse_asyncapi(document, told)
    contents = Contents(document, library)
    complaints = [*document.mistakes, *contents.complaints]
    if complaints:
        raise DeclarationError(told.problems([*complaints, *contents.warnings]))  # a misspelt key may be why
    return Declarations(
        tuple(_with_origins(told, contents.signals())),
        tuple(_with_origins(told, contents.queues())),
        told.problems(contents.warnings),
        contents.compat,
    )


def _hint(source: str) -> str:
    """What to do with a document that may be good, and is not read all the same."""
    if not source.lower().endswith((".yaml", ".yml")):
        return ""
    return "; YAML is not read, so make JSON of it, such as with: yq -o json"


def _parse_asyncapi(document: Document, told: "_Telling") -> Declarations:
    """What a document of AsyncAPI declares."""
    from microagent.asyncapi.reading import AsyncApi
    from microagent.asyncapi.writing import EXTENSION
    from microagent.schemas.library import Library
    from microagent.sources.contents import Contents

    def contents_of(part: object) -> Contents:
        alone = Document(json.dumps(part))
        return Contents(alone, Library(alone, told.source))

    api = AsyncApi(document.value)
    rest = contents_of({"compat": api.compat} if api.compat else {})
    api.complaints += [complaint.below(EXTENSION) for complaint in rest.complaints]
    found: dict[str, list[tuple[Steps, Any]]] = {"signals": [], "queues": []}
    warnings: list[Complaint] = []
    for said in api.said():
        contents = contents_of(said.document)
        for complaint in contents.complaints:
            api.drop(said.placed(complaint), said.is_ours)
        if not contents.complaints:
            warnings += map(said.placed, contents.warnings)
            found[said.kind] += [(said.steps, each) for _, each in (*contents.signals(), *contents.queues())]
    if complaints := [*document.mistakes, *api.complaints]:
        raise DeclarationError(told.problems(complaints))
    return Declarations(
        tuple(_with_origins(told, found["signals"])),
        tuple(_with_origins(told, found["queues"])),
        told.problems(warnings),
        rest.compat,
        told.problems(api.notes),
    )


def declared_signal(
    name: str,
    providing_args: Sequence[str] | Mapping[str, str | Sequence[str]] = (),
    type_map: Mapping[str, tuple[type, ...]] | None = None,
    **said: Any,
) -> SignalDeclaration:
    """
    The declaration of a signal that Python code declares.

    :param said: the other keys of a declaration; None is nothing said
    :raises DeclarationError: with every problem
    """
    entry = {"name": name, **_said(said)}
    if type_map:
        entry["payload"] = _payload_of(providing_args, type_map)
    elif providing_args or "payload" not in entry:
        entry["providing_args"] = providing_args
    return _alone("signal", entry).signals[0]


def declared_queue(name: str, **said: Any) -> QueueDeclaration:
    """
    The declaration of a queue that Python code declares.

    :param said: the other keys of a declaration; None is nothing said
    :raises DeclarationError: with every problem
    """
    return _alone("queue", {"name": name, **_said(said)}).queues[0]


@dataclass(frozen=True, slots=True)
class _Telling:
    """Tells people where a complaint is to be mended."""

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


def _with_origins(told: _Telling, found: Iterable[tuple[Steps, D]]) -> Iterator[D]:
    listed = list(found)
    origins = told.problems([Complaint("", steps) for steps, _ in listed])
    yield from (replace(declaration, origin=origin) for origin, (_, declaration) in zip(origins, listed, strict=True))


def _said(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if value is not None}


def _alone(kind: str, entry: Mapping[str, Any]) -> Declarations:
    """The one declaration of an entry that stands in no file."""
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
    """The schema of arguments whose types Python names; 1.7 wrote ``number`` as ``(int, float)``."""
    properties = {name: {"type": _json_types(type_map[name])} if name in type_map else {} for name in names}
    return {"type": "object", "properties": properties, "required": list(names)}


def _json_types(types: tuple[type, ...]) -> list[str]:
    found = [_JSON_TYPES.get(each, str(getattr(each, "__name__", each))) for each in types]
    return [each for each in found if not (each == "integer" and "number" in found)]
