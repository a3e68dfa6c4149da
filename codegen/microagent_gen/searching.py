"""The search for counterexamples with Hypothesis, if it is installed."""

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from microagent.compat.finders import Finder, Unaided
from microagent.compat.forms import Form, forms
from microagent.compat.members import extra, is_integer, item, longest_prefix, member, range_of, steps
from microagent.compat.scopes import Scope, Undecidable
from microagent.schemas.patterns import translated
from microagent.schemas.words import Schema

TRIES = 150
TEXTS = 12
LONGEST = 8  # items and characters beyond the required minimum
LARGEST = 10**9
_ANYTHING: tuple[object, ...] = (None, True, 0, 1.5, "a", [], {})


def finder() -> Finder:
    """The best finder that is installed."""
    return Unaided() if find_spec("hypothesis") is None else Hypothesis()


@cache
def _settle() -> None:
    """Let Hypothesis keep its tables in the user's cache, not in the working directory."""
    from hypothesis.configuration import set_hypothesis_home_dir

    set_hypothesis_home_dir(_home())


def _home() -> Path:
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "microagent-gen")
    except RuntimeError:  # the user has no home directory
        return Path(tempfile.mkdtemp(prefix="microagent-gen-"))


class Hypothesis:
    """Texts and values that Hypothesis generates, the same in every run."""

    tries = 3_000

    def __init__(self) -> None:
        self.texts = cache(self._texts)

    def _texts(self, pattern: str) -> tuple[str, ...]:
        from hypothesis import strategies

        return tuple(_drawn(lambda: strategies.from_regex(translated(pattern)), TEXTS))

    def values(self, scope: Scope, schema: Schema) -> Iterator[object]:
        """Many values that may fit a schema."""
        yield from _drawn(lambda: _Strategies(scope).of(schema), TRIES)


def _drawn(strategy: Callable[[], Any], count: int) -> list[Any]:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis.errors import HypothesisException

    _settle()
    found: list[object] = []

    def collect(value: object) -> None:
        found.append(value)

    once = settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=cast("list[HealthCheck]", list(HealthCheck)),
    )
    with warnings.catch_warnings(), suppress(HypothesisException, Undecidable, RecursionError):
        warnings.simplefilter("ignore")
        decorate: Any = given
        once(decorate(strategy())(collect))()
    return found


class _Strategies:
    """Strategies for values of schemas; they may be inexact, because each value is checked before it is used."""

    def __init__(self, scope: Scope) -> None:
        from hypothesis import strategies

        self._make: Any = strategies
        self._scope = scope
        self._known: dict[str, Any] = {}

    def of(self, schema: Schema) -> Any:
        if schema is True or schema == {}:
            return self._make.sampled_from(_ANYTHING)
        text = self._scope.text(schema)
        if text not in self._known:
            found: list[Any] = []
            self._known[text] = self._make.deferred(lambda: self._make.one_of(found))
            found += [self._of_form(form) for form in forms(schema, self._scope)]
        return self._known[text]

    def _of_form(self, form: Form) -> Any:
        if form.values is not None:
            return self._make.sampled_from(form.values) if form.values else self._make.nothing()
        match form.kind:
            case "number":
                return self._number(form)
            case "string":
                return self._text(form)
            case "array":
                return self._array(form)
            case _:
                return self._object(form)

    def _number(self, form: Form) -> Any:
        found = range_of(form)
        low = -LARGEST if found.low is None else float(found.low)
        high = max(low, LARGEST) if found.high is None else float(found.high)
        step = next(iter(steps(form)), None)
        if step is not None:
            of_step = self._make.integers(int(low / step) - 1, int(high / step) + 1)
            return of_step.map(_multiple_of(step, int if is_integer(form) else float))
        whole = self._make.integers(int(low), int(high))
        return whole | self._make.floats(low, max(low, high), allow_nan=False, width=64)

    def _text(self, form: Form) -> Any:
        if patterns := form.all_of("pattern"):
            return self._make.from_regex(translated(patterns[0]))
        return self._make.text(**self._sizes(form))

    def _array(self, form: Form) -> Any:
        end = longest_prefix(form)
        first = self._make.tuples(*(self.of(item(form, index)) for index in range(end))).map(list)
        rest = self._make.lists(self.of(item(form, end)), **self._sizes(form, end))
        return self._make.builds(_joined, first, rest)

    def _object(self, form: Form) -> Any:
        there = {name: self.of(member(form, name)) for name in sorted(form.required)}
        perhaps = {name: self.of(member(form, name)) for name in form.names if name not in there}
        named = self._make.fixed_dictionaries(there, optional=perhaps)
        if extra(form) is False:
            return named
        others = self._make.dictionaries(
            self._make.text("abcxyz_", min_size=1, max_size=3), self.of(extra(form)), max_size=2
        )
        return self._make.builds(_united, named, others)

    def _sizes(self, form: Form, fewer: int = 0) -> dict[str, int]:
        found = range_of(form)
        least = max(0, int(found.low or 0) - fewer)
        most = least + LONGEST if found.high is None else max(least, int(found.high) - fewer)
        return {"min_size": least, "max_size": min(most, least + LONGEST)}


def _multiple_of(step: Fraction, kind: Callable[[Fraction], float]) -> Callable[[int], float]:
    return lambda count: kind(count * step)


def _joined(one: list[object], other: list[object]) -> list[object]:
    return one + other


def _united(named: dict[str, object], others: dict[str, object]) -> dict[str, object]:
    return {**others, **named}
