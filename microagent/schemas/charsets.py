"""Sets of characters for the classes of regular expressions."""

import re
import sys
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from importlib import import_module
from itertools import chain, groupby
from typing import TypeAlias

Charset: TypeAlias = tuple[tuple[int, int], ...]
"""Ranges of code points with both ends included, sorted and not adjacent."""

_LAST = sys.maxunicode
ANY: Charset = ((0, _LAST),)
NOTHING: Charset = ()
CATEGORIES = {
    "L": "Letter", "LC": "Cased_Letter", "Lu": "Uppercase_Letter", "Ll": "Lowercase_Letter", "Lt": "Titlecase_Letter",
    "Lm": "Modifier_Letter", "Lo": "Other_Letter",
    "M": "Mark", "Mn": "Nonspacing_Mark", "Mc": "Spacing_Mark", "Me": "Enclosing_Mark",
    "N": "Number", "Nd": "Decimal_Number", "Nl": "Letter_Number", "No": "Other_Number",
    "P": "Punctuation", "Pc": "Connector_Punctuation", "Pd": "Dash_Punctuation", "Ps": "Open_Punctuation",
    "Pe": "Close_Punctuation", "Pi": "Initial_Punctuation", "Pf": "Final_Punctuation", "Po": "Other_Punctuation",
    "S": "Symbol", "Sm": "Math_Symbol", "Sc": "Currency_Symbol", "Sk": "Modifier_Symbol", "So": "Other_Symbol",
    "Z": "Separator", "Zs": "Space_Separator", "Zl": "Line_Separator", "Zp": "Paragraph_Separator",
    "C": "Other", "Cc": "Control", "Cf": "Format", "Cs": "Surrogate", "Co": "Private_Use", "Cn": "Unassigned",
}  # fmt: skip
"""Unicode's general categories, by their short names."""
_SHORT = {
    **{long: short for short, long in CATEGORIES.items()},
    "Combining_Mark": "M", "digit": "Nd", "punct": "P", "cntrl": "Cc",
}  # fmt: skip
_PLAIN = re.compile(r"[A-Za-z0-9_]")


def charset(*ranges: tuple[int, int]) -> Charset:
    """The set of all these ranges."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def of_texts(*texts: str) -> Charset:
    """The set of these characters; ``a-z`` stands for a range."""
    return charset(*((ord(text[0]), ord(text[-1])) for text in texts))


def union(*sets: Charset) -> Charset:
    """The characters that are in any of the sets."""
    return charset(*(each for several in sets for each in several))


def complement(found: Charset) -> Charset:
    """All other characters."""
    ends = [-1, *(end for first, last in found for end in (first - 1, last)), _LAST]
    pairs = zip(ends[::2], ends[1::2], strict=True)
    return tuple((before + 1, after) for before, after in pairs if before < after)


DIGITS = of_texts("0-9")
WORD = of_texts("A-Z", "a-z", "0-9", "_")
LINE_ENDS = of_texts("\n", "\r", "\u2028\u2029")
SPACE = union(
    of_texts("\t-\r", " ", "\u00a0", "\u1680", "\u2000-\u200a", "\u202f", "\u205f", "\u3000", "\ufeff"), LINE_ENDS
)
BY_LETTER = {
    "d": DIGITS,
    "D": complement(DIGITS),
    "w": WORD,
    "W": complement(WORD),
    "s": SPACE,
    "S": complement(SPACE),
}
r"""The meanings of ``\d`` and similar escapes in ECMA-262."""


# -- Unicode


@lru_cache(1024)
def of_category(name: str) -> Charset | None:
    """The characters of a general category; None if there is no such category."""
    short = _SHORT.get(name, name)
    if short not in CATEGORIES:
        return None
    wanted = {"Lu", "Ll", "Lt"} if short == "LC" else {each for each in CATEGORIES if each.startswith(short)}
    return union(*(found for each, found in _by_category().items() if each in wanted))


@cache
def _by_category() -> dict[str, Charset]:
    found: dict[str, list[tuple[int, int]]] = {}
    for category, run in groupby(range(_LAST + 1), lambda code: unicodedata.category(chr(code))):
        first, *others = run
        found.setdefault(category, []).append((first, others[-1] if others else first))
    return {category: tuple(ranges) for category, ranges in found.items()}


@lru_cache(1024)
def of_property(name: str) -> Charset | None:
    """
    The characters of any other property of Unicode that the package ``regex`` knows; None if it does not.

    :raises ImportError: if that package is not installed
    """
    regex = import_module("regex")  # most schemas never need it
    try:
        runs = regex.finditer(rf"\p{{{name}}}+", "".join(map(chr, range(_LAST + 1))))
    except regex.error:
        return None
    return tuple((run.start(), run.end() - 1) for run in runs)


@lru_cache(1024)
def in_any_case(found: Charset) -> Charset:
    """The characters with all that differ from one of them in case only, by Unicode's simple case folding."""
    codes, alike = _cased()
    inside = chain.from_iterable(codes[bisect_left(codes, first) : bisect_right(codes, last)] for first, last in found)
    return union(found, *{alike[code] for code in inside})


@cache
def _cased() -> tuple[tuple[int, ...], Mapping[int, Charset]]:
    """The characters that have case variants, sorted, and the variants of each."""
    where = (found for category, found in _by_category().items() if category in {"Lu", "Ll", "Lt", "Mn", "Nl", "So"})
    codes = (code for first, last in union(*where) for code in range(first, last + 1))
    changed = {code: ord(folded) for code in codes if (folded := _fold(chr(code))) != chr(code)}
    several: dict[int, list[int]] = {target: [target] for target in changed.values()}
    for code, target in changed.items():
        several[target].append(code)
    sets = {target: charset(*((code, code) for code in found)) for target, found in several.items()}
    alike = {code: sets[target] for target, found in several.items() for code in found}
    return tuple(sorted(alike)), alike


def _fold(text: str) -> str:
    return next((each for each in (text.casefold(), text.lower()) if len(each) == 1), text)


# -- Python's regular expressions


@lru_cache(1024)
def python_class(found: Charset) -> str:
    """An expression of Python's ``re`` that matches one of the characters."""
    if found == NOTHING:
        return "(?!)"
    if found == ANY:
        return "(?s:.)"
    if len(found) == 1 and found[0][0] == found[0][1]:
        return _shown(found[0][0])
    others = complement(found)
    return f"[^{_ranges(others)}]" if len(others) < len(found) else f"[{_ranges(found)}]"


def _ranges(found: Charset) -> str:
    return "".join(_range(first, last) for first, last in found)


def _range(first: int, last: int) -> str:
    between: Iterable[str] = ("-",) if last > first + 1 else ()
    return "".join(_parts(first, last, between))


def _parts(first: int, last: int, between: Iterable[str]) -> Iterator[str]:
    yield _shown(first)
    if last > first:
        yield from between
        yield _shown(last)


def _shown(code: int) -> str:
    if _PLAIN.fullmatch(chr(code)):
        return chr(code)
    if code < 0x100:  # noqa: PLR2004 - two hexadecimal digits
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - four hexadecimal digits
