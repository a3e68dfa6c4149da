"""One class of a package, or one alias: all that its template needs."""

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import cast

from microagent.schemas.reading import Reading
from microagent.schemas.shapes import Field, Key, Named, Object, OneOfValues, Shape, Told, Union
from microagent_gen import naming
from microagent_gen.pytypes import Names, alias_annotation, entry_annotation

_WORD = re.compile(r"\w+")
_LITERAL = re.compile(r"_t\.Literal\[[^\]]*\]")
_MOST_EXAMPLES = 3
_LONGEST_EXAMPLE = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a TypedDict."""

    name: str
    annotation: str
    doc: str


@dataclass(frozen=True, slots=True)
class Record:
    """
    A TypedDict, ``functional`` where a class body cannot write its keys; or a name for ``alias``, an annotation.
    """

    name: str
    entries: tuple[Entry, ...]
    doc: str
    functional: bool = False
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class _Unfinished(Container[Key]):
    """What is named and not defined yet."""

    names: Names
    defined: Container[str]

    def __contains__(self, key: object) -> bool:
        found = self.names.get(cast("Key", key))
        return found is not None and class_of(found) not in self.defined


def record(
    reading: Reading, key: Key, names: Names, classes: Container[str], defined: Container[str], *, doc: str | None
) -> Record:
    """
    What is called by a name of its own.

    :param names: the annotations of all that has a name in the reading
    :param classes: the classes of all that
    :param defined: those that may be named without quotes
    :param doc: what to say of it; None: what its schema says
    """
    name, known = class_of(names[key]), reading.known[key]
    unfinished = _Unfinished(names, defined)
    doc = described(known.told) if doc is None else doc
    if not isinstance(known.shape, Object):
        text = documented(doc, told_apart(known.shape, reading))
        return Record(name, (), text, alias=alias_annotation(known.shape, names, unfinished))
    fields = [each for each in known.shape.fields if each.name]
    functional = not all(naming.fits_class_body(each.name, classes) for each in fields)
    entries = tuple(
        Entry(each.name, entry_annotation(each, names, unfinished), _field_doc(each, reading)) for each in fields
    )
    return Record(name, entries, doc or ("" if entries else "An object without properties."), functional)


def named_in(candidates: tuple[str, ...], records: Iterable[Record], *annotations: str) -> tuple[str, ...]:
    """Which of these classes the records and annotations name: checkers complain of imports that nobody needs."""
    if not candidates:
        return ()
    texts = [*annotations, *(entry.annotation for each in records for entry in each.entries)]
    texts += [each.alias for each in records if each.alias is not None]
    words = {word for text in texts for word in _WORD.findall(_LITERAL.sub("", text))}
    return tuple(name for name in candidates if name in words)


def class_of(annotation: str) -> str:
    """The class that an annotation begins with."""
    return annotation.partition(" ")[0]


def documented(*parts: str) -> str:
    """The text of a docstring, of paragraphs."""
    return "\n\n".join(part for part in parts if part.strip())


def described(told: Told) -> str:
    """What the schema of a class tells people, as the text of a docstring."""
    return documented(told.description, *_notes(told))


def _field_doc(field: Field, reading: Reading) -> str:
    told = field.told
    if not told.title:
        return documented(told.description, told_apart(field.shape, reading), *_notes(told))
    is_new = naming.key_part(told.title).casefold() != naming.key_part(field.name).casefold()
    title = told.title if is_new and not isinstance(field.shape, Named) else ""
    return documented(told.description or title, told_apart(field.shape, reading), *_notes(told))


def _notes(told: Told) -> Iterable[str]:
    shown = [text for text in told.examples[:_MOST_EXAMPLES] if len(text) <= _LONGEST_EXAMPLE]
    if told.default is not None and len(told.default) <= _LONGEST_EXAMPLE:
        yield f"Default: {told.default}"
    if shown:
        yield f"For example: {', '.join(shown)}"
    if told.read_only:
        yield "Read-only."
    if told.write_only:
        yield "Write-only."
    if told.deprecated:
        yield "Deprecated."


def told_apart(shape: Shape, reading: Reading) -> str:
    """A sentence that names the property by which alternatives can be told apart; nothing where there is none."""
    options = shape.options if isinstance(shape, Union) else ()
    found = [reading.known[option.key].shape for option in options if isinstance(option, Named)]
    objects = [each for each in found if isinstance(each, Object)]
    if len(objects) < 2 or len(objects) < len(found):  # noqa: PLR2004 - of one there is nothing to tell apart
        return ""
    return next((f"Told apart by {naming.literal(name)}." for name in _common(objects)), "")


def _common(objects: list[Object]) -> Iterable[str]:
    for name in (each.name for each in objects[0].fields):
        values = [_values(each, name) for each in objects]
        if all(values) and len({value for each in values for value in each}) == sum(map(len, values)):
            yield name


def _values(found: Object, name: str) -> set[object]:
    """The values that a property must have one of; none if it may have others."""
    field = next((each for each in found.fields if each.name == name and each.required), None)
    return set(field.shape.values) if field is not None and isinstance(field.shape, OneOfValues) else set()
