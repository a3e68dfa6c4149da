"""Names that generated Python may hold: identifiers, class names and string literals, whatever a declaration says."""

import keyword
import re
import sys
import unicodedata
from collections.abc import Container
from functools import lru_cache

from microagent.names import camel_case, digest

_BUILTINS_USED = frozenset({"str", "int", "float", "bool", "list", "dict"})


def is_plain(key: str) -> bool:
    """
    Whether ``key`` can be written as a name anywhere and means itself there.

    Not so: what is no identifier, keywords, what Python would mangle in a class (``__key``), and what it would
    normalise to another name (NFKC, PEP 3131).
    """
    return (
        key.isidentifier()
        and not keyword.iskeyword(key)
        and not key.startswith("__")
        and unicodedata.is_normalized("NFKC", key)
    )


def fits_class_body(key: str, classes: Container[str]) -> bool:
    """
    Whether ``key`` can be annotated in a class body without hiding a name that its neighbours' annotations use.

    :param classes: the generated classes that those annotations may name
    """
    return is_plain(key) and not hides_builtin(key) and key not in {"_t", "_m"} and key not in classes


def hides_builtin(name: str) -> bool:
    """Whether annotations in a class body that has this name would take it for the builtin they mean."""
    return name in _BUILTINS_USED


def hides_module(name: str) -> bool:
    """Whether a package of this name would be imported in place of one of Python, or of this library."""
    return name in sys.stdlib_module_names or name in {"microagent", "microagent_gen"}


def class_name(declared: str) -> str:
    """
    The class name of a declaration: ``user_created`` is ``UserCreated``.

    Two declarations never share one: an underscore that no letter follows stays (``user_1`` is ``User_1``).
    """
    return re.sub(r"(?:^|_)([a-z])", lambda match: match[1].upper(), declared)


@lru_cache(maxsize=10_000)
def key_part(key: str) -> str:
    """``key`` as a part of a class name: ``user-id`` is ``UserId``; a digest where it holds no letters or digits."""
    part = camel_case(key)
    return part if part and f"X{part}".isidentifier() else f"X{digest(key)}"


def class_part(title: str) -> str:
    """``title`` as the beginning of a class name, which is no digit: ``order line`` is ``OrderLine``."""
    part = key_part(title)
    return part if part.isidentifier() else f"X{part}"


def unused(name: str, taken: Container[str]) -> str:
    """``name``, followed by as many underscores as it takes to be in ``taken`` no more."""
    while name in taken:
        name += "_"
    return name


def escaped(text: str) -> str:
    """``text`` as it stands inside a Python string, its quotes as they are: one printable line."""
    inner = repr(text + "\"'")[1:-4]  # with both quotes in it, repr() uses single ones and escapes those alone
    return re.sub(r"\\.", lambda match: "'" if match[0] == "\\'" else match[0], inner)


def literal(text: str) -> str:
    """The string ``text`` in Python source, in the quotes that need fewer escapes; in double ones when in doubt."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + escaped(text).replace(quote, f"\\{quote}") + quote
