"""Whether a value, as it was read from JSON, is one of an annotation."""

import builtins
import types
import typing
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Hint:
    """
    An annotation, and where its names are.

    :ivar of_kind_only: whatever is no object is taken for what is meant for objects, and the same for arrays
    """

    type: Any
    namespace: dict[str, Any] = field(repr=False)
    of_kind_only: bool = False

    def accepts(self, value: Any) -> bool:
        """Whether a value is one of the type; 1.0 is an int, as it is an integer to JSON Schema."""
        hint, arguments = self.type, typing.get_args(self.type)
        if isinstance(hint, str | typing.ForwardRef):
            text = hint if isinstance(hint, str) else hint.__forward_arg__
            return self._inner(eval(text, self.namespace), value)
        match typing.get_origin(hint):
            case typing.Union | types.UnionType:
                return any(self._inner(option, value) for option in arguments)
            case typing.Literal:
                return any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in arguments)
            case builtins.list:
                return self._each([arguments[0]] * len(value), value) if isinstance(value, list) else self.of_kind_only
            case builtins.tuple:
                return self._each(arguments, value) if isinstance(value, list) else self.of_kind_only
            case builtins.dict:
                is_object = isinstance(value, dict)
                return self._each([arguments[1]] * len(value), value.values()) if is_object else self.of_kind_only
        if typing.is_typeddict(hint):
            return self._fits(value) if isinstance(value, dict) else self.of_kind_only
        return _is_plain(hint, value)

    def _inner(self, hint: Any, value: Any) -> bool:
        return replace(self, type=hint).accepts(value)

    def _each(self, hints: Any, values: Any) -> bool:
        return len(hints) == len(values) and all(map(self._inner, hints, values))

    def _fits(self, value: dict[str, Any]) -> bool:
        hints = typing.get_type_hints(self.type, self.namespace)
        return self.type.__required_keys__ <= value.keys() and all(
            self._inner(hints[name], each) for name, each in value.items() if name in hints
        )


def _is_plain(hint: Any, value: Any) -> bool:
    if hint is Any or isinstance(value, bool) or value is None:
        return hint in {Any, value if value is None else type(value), type(value)}
    if hint is int:
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, int | float) if hint is float else hint is str and isinstance(value, str)
