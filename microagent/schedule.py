"""When timers are due: every so many seconds, or at the times of a cron spec."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from microagent.errors import ScheduleError

if TYPE_CHECKING:
    from croniter import croniter

MINUTE = timedelta(minutes=1)
SOME_DAY = datetime(2000, 1, 1)
ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


@dataclass(frozen=True, slots=True)
class Every:
    """
    Every ``period`` seconds.

    :raises ScheduleError: if ``period`` is not a finite number above 0
    """

    period: float

    def __post_init__(self) -> None:
        try:
            step = timedelta(0) if isinstance(self.period, bool) else timedelta(seconds=self.period)
        except (TypeError, ValueError, OverflowError):
            step = timedelta(0)
        if step <= timedelta(0):
            raise ScheduleError(f"a period is a finite number of seconds above 0, not {self.period!r}")

    def next(self, now: datetime) -> datetime:
        """One period after ``now``."""
        return now + timedelta(seconds=self.period)


class Cron:
    """
    The times of a standard cron spec.

    ``spec`` has five fields (minute, hour, day of month, month, day of week) or is an alias (``@hourly``, ``@daily``,
    ``@midnight``, ``@weekly``, ``@monthly``, ``@yearly``, ``@annually``). A field is ``*``, a value, a range ``a-b``,
    optionally with a step ``/n``, or a comma-separated list of these. Months and days of the week have names (``jan``,
    ``SUN``); 0 and 7 are Sunday. As in crontab(5), a day matches if day of month *or* day of week does, unless one of
    the two begins with ``*``: then both have to.

    ``tz`` is the time zone of the spec, UTC by default. When its clocks change, a spec of fixed times runs once: at the
    end of the gap if its time is skipped, in the first pass if its time comes twice. A spec whose minute or hour begins
    with ``*`` follows elapsed time: it runs in both passes, and not at times that are skipped. These are the rules of
    cron(8).

    ::

        Cron("*/10 * * * *")
        Cron("30 7 * * mon-fri", tz="Europe/Berlin")

    :raises ScheduleError: if the spec is invalid or never comes due, or the time zone is unknown
    """

    __slots__ = ("_pattern", "spec", "tz")

    spec: str
    tz: tzinfo

    def __init__(self, spec: str, tz: str | tzinfo | None = None) -> None:
        self.spec = spec
        self.tz = _zone(tz)
        self._pattern = _Pattern.parse(spec)

    def __repr__(self) -> str:
        return f"Cron({self.spec!r}, tz={str(self.tz)!r})"

    def next(self, now: datetime) -> datetime:
        """
        The first time strictly after ``now``, in the zone of the spec.

        Compare results in UTC: two datetimes of one zone compare by what its clock shows, even where it is set back.
        """
        now = now.astimezone(UTC)
        return min(self._next_in_pass(now, fold) for fold in self._passes(now)).astimezone(self.tz)

    def _passes(self, now: datetime) -> tuple[int, ...]:
        # Only during the first pass of a repeated hour can the second pass (fold 1, PEP 495) come due earlier.
        if not self._pattern.is_interval or self._offset(now, 0) == self._offset(now, 1):
            return (0,)
        return (0, 1)

    def _next_in_pass(self, now: datetime, fold: int) -> datetime:
        """The first time after ``now``, taking a time that comes twice as its pass ``fold``."""
        wall = (now + self._offset(now, 1)).replace(tzinfo=None)
        while True:
            wall = self._pattern.next(wall)
            moment = self._moment(wall, fold)
            if moment is not None and moment > now:
                return moment

    def _moment(self, wall: datetime, fold: int) -> datetime | None:
        """When the clock shows ``wall``; if it skips that, the end of the gap, or None for an interval."""
        while not self._is_shown(moment := wall.replace(tzinfo=self.tz, fold=fold).astimezone(UTC), wall):
            if self._pattern.is_interval:
                return None
            wall += MINUTE
        return moment

    def _is_shown(self, moment: datetime, wall: datetime) -> bool:
        return moment.astimezone(self.tz).replace(tzinfo=None) == wall

    def _offset(self, now: datetime, fold: int) -> timedelta:
        return now.astimezone(self.tz).replace(fold=fold).utcoffset() or timedelta(0)


def _zone(tz: str | tzinfo | None) -> tzinfo:
    if tz is None:
        return UTC
    if isinstance(tz, tzinfo):
        return tz
    try:
        return ZoneInfo(tz)
    except (LookupError, ValueError, OSError, TypeError, AttributeError):  # callers may be untyped
        raise ScheduleError(f"no time zone is known as {tz!r}") from None


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the five fields of a spec."""

    name: str
    low: int
    high: int
    names: Mapping[str, int] = field(default_factory=dict[str, int])

    def parse(self, text: str, spec: str) -> tuple[int, ...]:
        """The values of the field, sorted."""
        try:
            return tuple(sorted({value for item in text.split(",") for value in self._values(item)}))
        except ValueError as exc:
            raise ScheduleError(f"cron {spec!r}: {self.name} {text!r}: {exc}") from None

    def _values(self, item: str) -> range:
        match = re.fullmatch(r"(\*|\w+)(?:-(\w+))?(?:/([0-9]+))?", item)
        if match is None or (match[1] == "*" and match[2]):
            raise ValueError(f"{item!r} is no value, range or step")
        first = self.low if match[1] == "*" else self._value(match[1])
        last = self._value(match[2]) if match[2] else self._last(match)
        step = int(match[3] or 1)
        if last < first:
            raise ValueError(f"the range {item!r} runs backwards ({first}-{last})")
        if not 1 <= step <= self.high - self.low + 1:
            raise ValueError(f"a step is 1 to {self.high - self.low + 1}, not {step}")
        return range(first, last + 1, step)

    def _last(self, match: re.Match[str]) -> int:
        is_open = match[1] == "*" or match[3]
        return self.high if is_open else self._value(match[1])

    def _value(self, text: str) -> int:
        if text.lower() in self.names:
            return self.names[text.lower()]
        if not re.fullmatch(r"[0-9]+", text) or not self.low <= int(text) <= self.high:
            raise ValueError(f"{text!r} is not in {self.low}-{self.high}")
        return int(text)


def _numbered(names: str, start: int) -> dict[str, int]:
    return {name: number for number, name in enumerate(names.split(), start)}


FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _numbered("jan feb mar apr may jun jul aug sep oct nov dec", 1)),
    _Field("day of week", 0, 7, _numbered("sun mon tue wed thu fri sat", 0)),
)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """
    A parsed spec, in wall time without a zone.

    croniter finds the times. It gets each field as a list of values, because it would read ``a-a`` as ``*`` and accept
    ranges that run backwards.
    """

    moments: "croniter"
    is_interval: bool

    @classmethod
    def parse(cls, spec: str) -> Self:
        from croniter import croniter  # slow to import, and most processes have no cron task

        text = str(spec).strip()  # anything but a string is refused below
        texts = ALIASES.get(text.lower(), text).split()
        if len(texts) != len(FIELDS):
            raise ScheduleError(f"cron {spec!r}: five fields or one of {', '.join(ALIASES)} are expected")
        values = [entry.parse(text, spec) for entry, text in zip(FIELDS, texts, strict=True)]
        minute, hour, day, _, weekday = (text.startswith("*") for text in texts)
        fields = " ".join(",".join(map(str, each)) for each in values)
        pattern = cls(croniter(fields, SOME_DAY, day_or=not (day or weekday)), minute or hour)
        try:
            pattern.next(SOME_DAY)
        except ValueError:
            raise ScheduleError(f"cron {spec!r}: no day is ever day {values[2][0]} of these months") from None
        return pattern

    def next(self, wall: datetime) -> datetime:
        """The first match strictly after ``wall``."""
        return self.moments.get_next(datetime, start_time=wall)
