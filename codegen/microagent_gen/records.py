"""One class or alias of a package, as its template needs it."""

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import cast

from microagent.schemas.reading import Reading
from microagent.schemas.shapes import Documentation, Field, Key, Object, OneOfValues, Shape, TypeRef, Union
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
    A TypedDict or a type alias.

    :ivar functional: whether the TypedDict needs the functional syntax, for keys that a class body cannot have
    :ivar alias: the annotation that the name stands for; None for a TypedDict
    """

    name: str
    entries: tuple[Entry, ...]
    doc: str
    functional: bool = False
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class _Unfinished(Container[Key]):
    """The named types that are not defined yet."""

    names: Names
    defined: Container[str]

    def __contains__(self, key: object) -> bool:
        found = self.names.get(cast("Key", key))
        return found is not None and class_of(found) not in self.defined


def record(
    reading: Reading, key: Key, names: Names, classes: Container[str], defined: Container[str], *, doc: str | None
) -> Record:
    """
    The class or alias of a named type.

    :param key: of the named type
    :param names: the annotations of all named types of the reading
    :param classes: the names of their classes
    :param defined: the classes that can be used without quotes
    :param doc: the docstring; None for that of the schema
    """
    name, found = class_of(names[key]), reading.named_types[key]
    unfinished = _Unfinished(names, defined)
    doc = described(found.documentation) if doc is None else doc
    if not isinstance(found.shape, Object):
        text = documented(doc, discriminator_note(found.shape, reading))
        return Record(name, (), text, alias=alias_annotation(found.shape, names, unfinished))
    fields = [each for each in found.shape.fields if each.name]
    functional = not all(naming.fits_class_body(each.name, classes) for each in fields)
    entries = tuple(
        Entry(each.name, entry_annotation(each, names, unfinished), _field_doc(each, reading)) for each in fields
    )
    return Record(name, entries, doc or ("" if entries else "An object without properties."), functional)


def named_in(candidates: tuple[str, ...], records: Iterable[Record], *annotations: str) -> tuple[str, ...]:
    """The candidates that the records and annotations use: type checkers complain about unused imports."""
    if not candidates:
        return ()
    texts = [*annotations, *(entry.annotation for each in records for entry in each.entries)]
    texts += [each.alias for each in records if each.alias is not None]
    words = {word for text in texts for word in _WORD.findall(_LITERAL.sub("", text))}
    return tuple(name for name in candidates if name in words)


def class_of(annotation: str) -> str:
    """The class in the annotation of a named type: ``Order`` in ``Order | dict[str, _t.Any]``."""
    return annotation.partition(" ")[0]


def documented(*parts: str) -> str:
    """A docstring of these paragraphs, without empty ones."""
    return "\n\n".join(part for part in parts if part.strip())


def described(documentation: Documentation) -> str:
    """The docstring that the annotations of a schema amount to."""
    return documented(documentation.description, *_notes(documentation))


def _field_doc(field: Field, reading: Reading) -> str:
    """The docstring of a property; its title stands in for a description, unless it only repeats the name."""
    documentation = field.documentation
    title, is_class = documentation.title, isinstance(field.shape, TypeRef)
    if title and (is_class or naming.key_part(title).casefold() == naming.key_part(field.name).casefold()):
        title = ""
    note = discriminator_note(field.shape, reading)
    return documented(documentation.description or title, note, *_notes(documentation))


def _notes(documentation: Documentation) -> Iterable[str]:
    examples = [text for text in documentation.examples[:_MOST_EXAMPLES] if len(text) <= _LONGEST_EXAMPLE]
    if documentation.default is not None and len(documentation.default) <= _LONGEST_EXAMPLE:
        yield f"Default: {documentation.default}"
    if examples:
        yield f"For example: {', '.join(examples)}"
    if documentation.read_only:
        yield "Read-only."
    if documentation.write_only:
        yield "Write-only."
    if documentation.deprecated:
        yield "Deprecated."


def discriminator_note(shape: Shape, reading: Reading) -> str:
    """A sentence that names the property whose value distinguishes the alternatives; empty if there is none."""
    options = shape.options if isinstance(shape, Union) else ()
    found = [reading.named_types[option.key].shape for option in options if isinstance(option, TypeRef)]
    objects = [each for each in found if isinstance(each, Object)]
    if len(objects) < 2 or len(objects) < len(found):  # noqa: PLR2004 - a single one needs no discriminator
        return ""
    return next((f"Discriminated by {naming.literal(name)}." for name in _discriminators(objects)), "")


def _discriminators(objects: list[Object]) -> Iterable[str]:
    for name in (each.name for each in objects[0].fields):
        values = [_values(each, name) for each in objects]
        if all(values) and len({value for each in values for value in each}) == sum(map(len, values)):
            yield name


def _values(found: Object, name: str) -> set[object]:
    """The possible values of a required property; empty if it may have any others, or be missing."""
    field = next((each for each in found.fields if each.name == name and each.required), None)
    return set(field.shape.values) if field is not None and isinstance(field.shape, OneOfValues) else set()
