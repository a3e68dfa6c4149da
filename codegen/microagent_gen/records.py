"""The TypedDicts that the payload of one declaration needs, each after those that it names."""

from collections.abc import Callable
from dataclasses import dataclass, field

from microagent.shapes import Field, Object, Shape
from microagent_gen import naming
from microagent_gen.pytypes import FREE, Key, entry_annotation, inside

_STEPS = {"[]": "Item", "{}": "Value"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a TypedDict."""

    name: str
    annotation: str
    doc: str


@dataclass(frozen=True, slots=True)
class Record:
    """A TypedDict; ``functional`` where a class body cannot write its keys."""

    name: str
    entries: tuple[Entry, ...]
    doc: str
    functional: bool


@dataclass
class Records:
    """
    Collects the records of a payload.

    :ivar root: the class name of the payload itself, and what the names of the others begin with
    :ivar claim: makes a class name unique in its package
    :ivar names: the annotation of every object met so far, by its key
    """

    root: str
    claim: Callable[[str], str]
    names: dict[Key, str] = field(default_factory=dict[Key, str])
    found: list[Record] = field(default_factory=list[Record])
    _classes: set[str] = field(default_factory=set[str])
    _unfinished: set[Key] = field(default_factory=set[Key])

    def add_root(self, shape: Shape, doc: str) -> None:
        """Collect the payload itself, and what is inside."""
        if isinstance(shape, Object):
            self._add_object(shape, self.root, doc)
        else:
            self.add(shape)

    def add(self, shape: Shape) -> None:
        """Collect what is inside the shape, unless it is known."""
        if not isinstance(shape, Object):
            for inner in inside(shape):
                self.add(inner)
        elif shape.key not in self.names:
            self._add_object(shape, self.claim(self.root + _path_name(shape.key)), shape.description)

    def _add_object(self, shape: Object, name: str, doc: str) -> None:
        self.names[shape.key] = f"{name} | {FREE}" if _holds_more(shape) else name
        self._classes.add(name)
        self._unfinished.add(shape.key)
        for inner in inside(shape):
            self.add(inner)
        self.found.append(self._record(shape, name, doc))
        self._unfinished.remove(shape.key)

    def _record(self, shape: Object, name: str, doc: str) -> Record:
        fields = [known for known in shape.fields if known.name]
        functional = not all(naming.fits_class_body(known.name, self._classes) for known in fields)
        entries = tuple(
            Entry(known.name, entry_annotation(known, self.names, self._unfinished), _doc(known)) for known in fields
        )
        return Record(name, entries, doc or ("" if entries else "An object without properties."), functional)


def _holds_more(shape: Object) -> bool:
    """Whether the object may have what no TypedDict can say: properties without a name, or with an empty one."""
    return shape.extra is not None or any(not known.name for known in shape.fields)


def _doc(known: Field) -> str:
    return documented(known.description, known.deprecated)


def documented(description: str, deprecated: bool) -> str:
    """The text of a docstring."""
    return "\n\n".join(part for part in (description, "Deprecated." if deprecated else "") if part.strip())


def _path_name(key: Key) -> str:
    """``("meta", "geo")`` is ``MetaGeo``, ``("$defs", "Order", "lines", "[]")`` is ``OrderLinesItem``."""
    steps = iter(key[1:] if key[:1] == ("$defs",) else key)
    parts: list[str] = []
    for step in steps:
        if step == "#":
            next(steps)
        else:
            parts.append(_STEPS.get(step) or naming.key_part(step.removeprefix("properties/")))
    return "".join(parts)
