"""The payload of one declaration in Python: its classes, and the parameters that it becomes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

from microagent.reading import shape as read
from microagent.schema import Schema
from microagent.shapes import Anything, Field, Object, Shape
from microagent.shapes import Mapping as MappingShape
from microagent_gen import naming
from microagent_gen.pytypes import ANY, Names, annotation
from microagent_gen.records import Record, Records

Claim: TypeAlias = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Payload:
    """
    A schema as generated.

    :ivar type: the annotation of the whole
    :ivar names: the annotation of every object inside, by its key
    :ivar keywords: a parameter for every property that Python can name
    """

    root: str
    shape: Shape
    type: str
    names: Names
    records: tuple[Record, ...]
    keywords: tuple[str, ...]

    @classmethod
    def answer(cls, schema: Schema, definitions: Mapping[str, Any], root: str, claim: Claim) -> Self:
        """What the handlers of a signal return; ``root`` is the class of its payload."""
        shape = read(schema, definitions).shape
        root = f"{root}Result"
        return cls.of(shape, claim(root) if isinstance(shape, Object) else root, claim, "")

    @classmethod
    def of(cls, shape: Shape, root: str, claim: Claim, doc: str) -> Self:
        """The payload of a signal or a queue, whose class is called ``root``."""
        records = Records(root, claim)
        records.add_root(shape, doc)
        keywords = tuple(_keyword(field, records.names) for field in _fields(shape) if naming.is_plain(field.name))
        return cls(root, shape, annotation(shape, records.names), records.names, tuple(records.found), keywords)

    def sent(self, *positional: str, also: str = "") -> tuple[str, ...]:
        """
        The parameters of a method that takes the payload as keywords.

        :param also: a keyword parameter of the method's own
        """
        keywords, extra = self.keywords, self._extra
        if extra is not None:
            rest = [f"**{self.unused('extra')}: {ANY if self._is_odd else annotation(extra, self.names)}"]
        elif self._is_odd:
            keywords, rest = (), [self._unpacked]
        else:
            rest = []
        return parameters(positional, [*filter(None, [also]), *keywords], rest)

    def handed(self, *positional: str, also: Iterable[str] = ()) -> tuple[str, ...]:
        """The parameters that a handler must take; any will do where nobody knows the keys of a payload before."""
        if not isinstance(self.shape, Object):
            return (*positional, f"*args: {ANY}", f"**payload: {ANY}")
        if self._is_odd:
            return parameters(positional, [*also], [self._unpacked])
        return parameters(positional, [*also, *self.keywords], [])

    def unused(self, *names: str) -> str:
        """The first of these names that no property has, or the last one made different."""
        taken = {field.name for field in _fields(self.shape)}
        free = (name for name in names if name not in taken)
        return next(free, naming.unused(names[-1], taken))

    @property
    def _unpacked(self) -> str:
        return f"**payload: _t.Unpack[{self.root}]"

    @property
    def _is_odd(self) -> bool:
        return len(self.keywords) < len(_fields(self.shape))

    @property
    def _extra(self) -> Shape | None:
        """The shape of what the payload may hold besides its properties; None for nothing."""
        if isinstance(self.shape, Object):
            return self.shape.extra
        if isinstance(self.shape, MappingShape):
            return self.shape.values
        return Anything()


def _fields(shape: Shape) -> tuple[Field, ...]:
    return shape.fields if isinstance(shape, Object) else ()


def _keyword(field: Field, names: Names) -> str:
    return f"{field.name}: {annotation(field.shape, names)}{'' if field.required else ' = ...'}"


def parameters(positional: Iterable[str], keywords: list[str], rest: list[str]) -> tuple[str, ...]:
    """A list of parameters as Python orders it."""
    return (*positional, *(["*"] if keywords else []), *keywords, *rest)
