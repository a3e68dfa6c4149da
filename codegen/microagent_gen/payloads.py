"""The payload of a declaration as parameters of methods and handlers."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from microagent.schemas.reading import Reading
from microagent.schemas.shapes import ROOT, Anything, Field, Object, Shape, TypeRef
from microagent.schemas.shapes import Mapping as MappingShape
from microagent_gen import naming
from microagent_gen.pytypes import ANY, Names, annotation


@dataclass(frozen=True)
class Payload:
    """
    A payload, or what a signal returns.

    :ivar root: the name of its class
    :ivar names: the annotations of its named types
    """

    root: str
    reading: Reading
    names: Names

    @cached_property
    def type(self) -> str:
        """Its annotation."""
        return annotation(self.reading.shape, self.names)

    def sent(self, *positional: str, also: str = "") -> tuple[str, ...]:
        """
        The parameters of a method that sends the payload as keyword arguments.

        :param also: a keyword parameter of the method itself
        """
        keywords, extra = self._keywords, self._extra
        if extra is not None:
            rest = [f"**{self.unused('extra')}: {annotation(extra, self.names) if self._has_plain_names else ANY}"]
        elif not self._has_plain_names:
            keywords, rest = [], [self._unpacked]
        else:
            rest = []
        return parameters(positional, [*filter(None, [also]), *keywords], rest)

    def handed(self, *positional: str, also: Iterable[str] = ()) -> tuple[str, ...]:
        """The parameters that a handler must take; it may take any if the keys of the payload are not known."""
        if self.reading.object is None:
            return (*positional, f"*args: {ANY}", f"**payload: {ANY}")
        if not self._has_plain_names:
            return parameters(positional, [*also], [self._unpacked])
        return parameters(positional, [*also, *self._keywords], [])

    def unused(self, *names: str) -> str:
        """The first of these names that no property has; otherwise the last one with underscores added."""
        taken = {field.name for field in self._fields}
        free = (name for name in names if name not in taken)
        return next(free, naming.unused(names[-1], taken))

    @cached_property
    def _fields(self) -> tuple[Field, ...]:
        return self.reading.object.fields if self.reading.object else ()

    @cached_property
    def _keywords(self) -> list[str]:
        """A parameter for every property that can be one."""
        return [_keyword(field, self.names) for field in self._fields if naming.is_plain(field.name)]

    @property
    def _unpacked(self) -> str:
        root = self.reading.named_types.get(ROOT)
        is_class = root is not None and isinstance(root.shape, Object) and self.reading.shape == TypeRef(ROOT)
        return f"**payload: _t.Unpack[{self.root}]" if is_class else f"**payload: {ANY}"

    @cached_property
    def _has_plain_names(self) -> bool:
        """Whether all properties can be parameters."""
        return all(naming.is_plain(field.name) for field in self._fields)

    @property
    def _extra(self) -> Shape | None:
        """The shape of other properties that the payload may have; None if it has no others."""
        if self.reading.object:
            return self.reading.object.extra
        if isinstance(self.reading.shape, MappingShape):
            return self.reading.shape.values
        return Anything()


def _keyword(field: Field, names: Names) -> str:
    return f"{field.name}: {annotation(field.shape, names)}{'' if field.required else ' = ...'}"


def parameters(positional: Iterable[str], keywords: list[str], rest: list[str]) -> tuple[str, ...]:
    """A parameter list in the order that Python requires."""
    return (*positional, *(["*"] if keywords else []), *keywords, *rest)


def is_free(reading: Reading) -> bool:
    """Whether a payload requires nothing of a message but that it is an object."""
    if isinstance(reading.shape, MappingShape):
        return reading.shape.values == Anything()
    if isinstance(reading.shape, TypeRef) and isinstance(found := reading.named_types[reading.shape.key].shape, Object):
        return not (found.fields or found.closed)
    return False
