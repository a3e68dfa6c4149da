"""The payload of one declaration in Python: the parameters that it becomes."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from microagent.schemas.reading import Reading
from microagent.schemas.shapes import ROOT, Anything, Field, Named, Object, Shape
from microagent.schemas.shapes import Mapping as MappingShape
from microagent_gen import naming
from microagent_gen.pytypes import ANY, Names, annotation


@dataclass(frozen=True)
class Payload:
    """
    A schema as generated.

    :ivar root: the class name of the whole
    :ivar names: the annotation of everything in it that has a name
    """

    root: str
    reading: Reading
    names: Names

    @cached_property
    def type(self) -> str:
        """The annotation of the whole."""
        return annotation(self.reading.shape, self.names)

    def sent(self, *positional: str, also: str = "") -> tuple[str, ...]:
        """
        The parameters of a method that takes the payload as keywords.

        :param also: a keyword parameter of the method's own
        """
        keywords, extra = self._keywords, self._extra
        if extra is not None:
            rest = [f"**{self.unused('extra')}: {ANY if self._is_odd else annotation(extra, self.names)}"]
        elif self._is_odd:
            keywords, rest = [], [self._unpacked]
        else:
            rest = []
        return parameters(positional, [*filter(None, [also]), *keywords], rest)

    def handed(self, *positional: str, also: Iterable[str] = ()) -> tuple[str, ...]:
        """The parameters that a handler must take; any will do where nobody knows the keys of a payload before."""
        if self.reading.object is None:
            return (*positional, f"*args: {ANY}", f"**payload: {ANY}")
        if self._is_odd:
            return parameters(positional, [*also], [self._unpacked])
        return parameters(positional, [*also, *self._keywords], [])

    def unused(self, *names: str) -> str:
        """The first of these names that no property has, or the last one made different."""
        taken = {field.name for field in self._fields}
        free = (name for name in names if name not in taken)
        return next(free, naming.unused(names[-1], taken))

    @cached_property
    def _fields(self) -> tuple[Field, ...]:
        return self.reading.object.fields if self.reading.object else ()

    @cached_property
    def _keywords(self) -> list[str]:
        """A parameter for every property that Python can name."""
        return [_keyword(field, self.names) for field in self._fields if naming.is_plain(field.name)]

    @property
    def _unpacked(self) -> str:
        known = self.reading.known.get(ROOT)
        is_class = known is not None and isinstance(known.shape, Object) and self.reading.shape == Named(ROOT)
        return f"**payload: _t.Unpack[{self.root}]" if is_class else f"**payload: {ANY}"

    @cached_property
    def _is_odd(self) -> bool:
        return not all(naming.is_plain(field.name) for field in self._fields)

    @property
    def _extra(self) -> Shape | None:
        """The shape of what the payload may hold besides its properties; None for nothing."""
        if self.reading.object:
            return self.reading.object.extra
        if isinstance(self.reading.shape, MappingShape):
            return self.reading.shape.values
        return Anything()


def _keyword(field: Field, names: Names) -> str:
    return f"{field.name}: {annotation(field.shape, names)}{'' if field.required else ' = ...'}"


def parameters(positional: Iterable[str], keywords: list[str], rest: list[str]) -> tuple[str, ...]:
    """A list of parameters as Python orders it."""
    return (*positional, *(["*"] if keywords else []), *keywords, *rest)


def is_free(reading: Reading) -> bool:
    """Whether a payload says no more of a message than that it is an object."""
    if isinstance(reading.shape, MappingShape):
        return reading.shape.values == Anything()
    if isinstance(reading.shape, Named) and isinstance(found := reading.known[reading.shape.key].shape, Object):
        return not (found.fields or found.closed)
    return False
