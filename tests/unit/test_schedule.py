"""Periods and cron specs: what they accept, and which moments they name."""

import random
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import accumulate, islice
from zoneinfo import ZoneInfo

import pytest

from microagent.errors import ScheduleError
from microagent.schedule import Cron, Every

START = datetime(2024, 5, 1, 12, 30, 15, tzinfo=UTC)  # a Wednesday
MINUTE = timedelta(minutes=1)


def moments(cron: Cron, start: datetime) -> Iterator[datetime]:
    while True:
        start = cron.next(start).astimezone(UTC)
        yield start


def first(spec: str, count: int = 3, start: datetime = START, tz: str | None = None) -> list[str]:
    cron = Cron(spec, tz)
    return [moment.astimezone(cron.tz).strftime("%Y-%m-%d %H:%M %z") for moment in islice(moments(cron, start), count)]


def utc(*days: str) -> list[str]:
    return [f"{day} +0000" for day in days]


# -- Every


@pytest.mark.parametrize("period", [1, 0.25, 86400])
def test_period_comes_again_after_its_seconds(period: float) -> None:
    """
    The next moment of a period is that many seconds away.
    """
    assert Every(period).next(START) - START == timedelta(seconds=period)


@pytest.mark.parametrize(
    "period", [0, -1, 1e-9, float("nan"), float("inf"), 1e300, 10**400, "5", None], ids=lambda value: str(value)[:9]
)
def test_period_that_is_no_time_is_refused(period: float) -> None:
    """
    A period that is not a finite number of seconds above 0 is refused with a sentence that shows it.
    """
    with pytest.raises(ScheduleError, match=r"^a period is a finite number of seconds above 0, not "):
        Every(period)


# -- what a spec may say


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("* * * * *", ["2024-05-01 12:31", "2024-05-01 12:32", "2024-05-01 12:33"]),
        ("*/20 * * * *", ["2024-05-01 12:40", "2024-05-01 13:00", "2024-05-01 13:20"]),
        ("5/25 * * * *", ["2024-05-01 12:55", "2024-05-01 13:05", "2024-05-01 13:30"]),
        ("0 9-17/4 * * *", ["2024-05-01 13:00", "2024-05-01 17:00", "2024-05-02 09:00"]),
        ("0,45 23 1,15 * *", ["2024-05-01 23:00", "2024-05-01 23:45", "2024-05-15 23:00"]),
        ("7-7 0 * * *", ["2024-05-02 00:07", "2024-05-03 00:07", "2024-05-04 00:07"]),
        ("07 00 * * *", ["2024-05-02 00:07", "2024-05-03 00:07", "2024-05-04 00:07"]),
        ("0 0 1 jan,JUL-Aug *", ["2024-07-01 00:00", "2024-08-01 00:00", "2025-01-01 00:00"]),
        ("0 0 29 2 *", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("  0   0\t31 * * ", ["2024-05-31 00:00", "2024-07-31 00:00", "2024-08-31 00:00"]),
    ],
)
def test_fields_name_minutes_hours_days_and_months(spec: str, expected: list[str]) -> None:
    """
    Values, ranges, steps, lists and names mean what crontab(5) says.
    """
    assert first(spec) == utc(*expected)


@pytest.mark.parametrize("sunday", ["0", "7", "sun", "Sun", "7-7"])
def test_sunday_has_two_numbers_and_a_name(sunday: str) -> None:
    """
    0, 7 and sun are Sunday.
    """
    assert first(f"0 0 * * {sunday}", 2) == utc("2024-05-05 00:00", "2024-05-12 00:00")


def test_range_of_weekdays_may_end_on_sunday() -> None:
    """
    5-7 is Friday to Sunday.
    """
    assert first("0 0 * * 5-7", 4) == utc(
        "2024-05-03 00:00", "2024-05-04 00:00", "2024-05-05 00:00", "2024-05-10 00:00"
    )


@pytest.mark.parametrize(
    ("alias", "spec"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@Annually", "0 0 1 1 *"),
    ],
)
def test_alias_stands_for_a_spec(alias: str, spec: str) -> None:
    """
    An alias names the same moments as the spec it stands for.
    """
    assert first(alias) == first(spec)


def test_restricted_days_are_alternatives() -> None:
    """
    When day of month and day of week are both restricted, a day that matches either is due.
    """
    assert first("0 0 13 * fri", 4) == utc(
        "2024-05-03 00:00", "2024-05-10 00:00", "2024-05-13 00:00", "2024-05-17 00:00"
    )


def test_starred_day_restricts_the_other() -> None:
    """
    When one of the two days begins with a star, both have to match.
    """
    assert first("0 0 */10 * fri", 3) == utc("2024-05-31 00:00", "2024-06-21 00:00", "2024-10-11 00:00")


def test_impossible_day_of_month_leaves_the_day_of_week() -> None:
    """
    A day of month that never comes is no error where a day of the week is the alternative.
    """
    assert first("0 0 30 2 mon", 2) == utc("2025-02-03 00:00", "2025-02-10 00:00")


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("", "five fields or one of @hourly"),
        ("* * * *", "five fields"),
        ("* * * * * *", "five fields"),
        ("@reboot", "five fields"),
        (None, "five fields"),
        ("60 * * * *", "minute '60': '60' is not in 0-59"),
        ("-1 * * * *", "minute '-1': '-1' is no value, range or step"),
        ("* 24 * * *", "hour '24': '24' is not in 0-23"),
        ("* * 0 * *", "day of month '0': '0' is not in 1-31"),
        ("* * * 13 *", "month '13': '13' is not in 1-12"),
        ("* * * * 8", "day of week '8': '8' is not in 0-7"),
        ("5-1 * * * *", "the range '5-1' runs backwards"),
        ("* * * * mon-sun", r"the range 'mon-sun' runs backwards \(1-0\)"),
        ("*/0 * * * *", "a step is 1 to 60, not 0"),
        ("*/90 * * * *", "a step is 1 to 60, not 90"),
        ("*/x * * * *", "'\\*/x' is no value, range or step"),
        ("1,,2 * * * *", "'' is no value, range or step"),
        ("*-5 * * * *", "'\\*-5' is no value, range or step"),
        ("1-2-3 * * * *", "'1-2-3' is no value, range or step"),
        ("\u0663 * * * *", "is not in 0-59"),
        ("1.5 * * * *", "no value, range or step"),
        ("* * L * *", "'L' is not in 1-31"),
        ("* * 15W * *", "'15W' is not in 1-31"),
        ("* * * * 5#2", "no value, range or step"),
        ("* * * * 5L", "'5L' is not in 0-7"),
        ("H * * * *", "'H' is not in 0-59"),
        ("R * * * *", "'R' is not in 0-59"),
        ("* * ? * *", "no value, range or step"),
        ("* * * mon *", "'mon' is not in 1-12"),
        ("0 0 30 2 *", "no day is ever day 30 of these months"),
        ("0 0 31 4,6,9,11 *", "no day is ever day 31 of these months"),
    ],
)
def test_spec_that_names_no_moment_is_refused(spec: str, reason: str) -> None:
    """
    A bad spec is refused when it is read, with one sentence that names the spec, the field and what is wrong.
    """
    with pytest.raises(ScheduleError, match=rf"^cron .*{reason}[^\n]*$"):
        Cron(spec)


@pytest.mark.parametrize("tz", ["Europe/Atlantis", "", "../etc/passwd", "/etc/localtime", "Europe"])
def test_unknown_zone_is_refused(tz: str) -> None:
    """
    A zone that nobody knows is refused by name.
    """
    with pytest.raises(ScheduleError, match=r"^no time zone is known as"):
        Cron("* * * * *", tz)


# -- zones and the changes of their clocks


def test_next_is_strictly_after_now() -> None:
    """
    A moment that is now is not the next one, and one a microsecond away is.
    """
    noon = datetime(2024, 5, 1, 12, tzinfo=UTC)

    assert Cron("0 12 * * *").next(noon) == noon + timedelta(days=1)
    assert Cron("0 12 * * *").next(noon - timedelta(microseconds=1)) == noon


def test_spec_speaks_of_the_clocks_of_its_zone() -> None:
    """
    A spec is read in UTC, or in the zone that was given by name or as an object, whatever the zone of ``now``.
    """
    tokyo = START.astimezone(timezone(timedelta(hours=9)))

    assert Cron("0 9 * * *").next(tokyo) == datetime(2024, 5, 2, 9, tzinfo=UTC)
    assert first("0 9 * * *", 1, tokyo, "America/New_York") == ["2024-05-01 09:00 -0400"]
    assert Cron("0 9 * * *", timezone(timedelta(hours=-4))).next(tokyo) == datetime(2024, 5, 1, 13, tzinfo=UTC)


def test_spec_tells_what_it_is() -> None:
    """
    The repr of a spec is how to write it.
    """
    assert repr(Cron("0 9 * * *", "Asia/Tokyo")) == "Cron('0 9 * * *', tz='Asia/Tokyo')"
    assert repr(Cron("@daily")) == "Cron('@daily', tz='UTC')"


SPRING = datetime(2024, 3, 30, 12, tzinfo=UTC)
AUTUMN = datetime(2024, 10, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spec", "start", "expected"),
    [
        ("30 2 * * *", SPRING, ["2024-03-31 03:00 +0200", "2024-04-01 02:30 +0200"]),
        ("0,30 2 * * *", SPRING, ["2024-03-31 03:00 +0200", "2024-04-01 02:00 +0200"]),
        ("0 2-4 * * *", SPRING, ["2024-03-31 03:00 +0200", "2024-03-31 04:00 +0200"]),
        ("30 2 * * *", AUTUMN, ["2024-10-27 02:30 +0200", "2024-10-28 02:30 +0100"]),
        ("*/30 2 * * *", SPRING, ["2024-04-01 02:00 +0200", "2024-04-01 02:30 +0200"]),
        (
            "*/30 2 * * *",
            AUTUMN,
            ["2024-10-27 02:00 +0200", "2024-10-27 02:30 +0200", "2024-10-27 02:00 +0100", "2024-10-27 02:30 +0100"],
        ),
    ],
)
def test_changed_clocks_neither_lose_nor_double_a_fixed_time(spec: str, start: datetime, expected: list[str]) -> None:
    """
    A fixed time runs once: after the gap, or in the first pass; an interval runs in both passes and not in the gap.
    """
    assert first(spec, len(expected), start, "Europe/Berlin") == expected


@pytest.mark.parametrize("minute", [0, 15, 45])
def test_restart_in_the_second_pass_does_not_repeat_the_first(minute: int) -> None:
    """
    Asked during the second pass, a fixed time of the first is over.
    """
    second_pass = datetime(2024, 10, 27, 1, minute, tzinfo=UTC)

    assert first("30 2 * * *", 1, second_pass, "Europe/Berlin") == ["2024-10-28 02:30 +0100"]


def test_day_that_a_zone_left_out_is_made_up_for() -> None:
    """
    A fixed time on a day that never was (Samoa crossed the date line) runs when the next day begins.
    """
    before = datetime(2011, 12, 29, 12, tzinfo=UTC)

    assert first("0 12 30 12 *", 1, before, "Pacific/Apia") == ["2011-12-31 00:00 +1400"]


CHANGES = [
    ("UTC", datetime(2024, 3, 30, 12, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2024, 3, 30, 12, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2024, 10, 26, 12, tzinfo=UTC)),
    ("America/New_York", datetime(2024, 3, 9, 18, tzinfo=UTC)),
    ("America/New_York", datetime(2024, 11, 2, 18, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2024, 4, 6, 3, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2024, 10, 5, 3, tzinfo=UTC)),
    ("America/Santiago", datetime(2024, 9, 7, 18, tzinfo=UTC)),
]


def shown(tz: str, start: datetime) -> list[datetime]:
    """What clocks in ``tz`` show, minute by minute, for the two days after ``start``."""
    return [(start + n * MINUTE).astimezone(ZoneInfo(tz)).replace(tzinfo=None) for n in range(1, 2880)]


def due_by_elapsed_time(walls: list[datetime], minutes: set[int], hours: set[int]) -> list[int]:
    return [n for n, wall in enumerate(walls, 1) if wall.minute in minutes and wall.hour in hours]


def due_once(walls: list[datetime], minutes: set[int], hours: set[int]) -> list[int]:
    latest = list(accumulate(walls, max))
    calendar = [walls[0] + n * MINUTE for n in range(int((walls[-1] - walls[0]) / MINUTE))]
    wanted = [wall for wall in calendar if wall.minute in minutes and wall.hour in hours]
    return sorted({bisect_left(latest, wall) + 1 for wall in wanted})


def listed(numbers: set[int]) -> str:
    return ",".join(map(str, numbers))


@pytest.mark.parametrize(("tz", "start"), CHANGES)
def test_every_minute_around_a_change_of_clocks_is_judged_right(tz: str, start: datetime) -> None:
    """
    Random specs name what a walk through the minutes finds: fixed times when clocks first show them or later, intervals
    whenever clocks show them.
    """
    chance = random.Random(f"{tz} {start}")
    walls = shown(tz, start)
    for _ in range(25):
        minutes, hours, step = set(chance.sample(range(60), 3)), set(chance.sample(range(5), 2)), chance.randint(1, 60)
        expected = {
            f"{listed(minutes)} {listed(hours)} * * *": due_once(walls, minutes, hours),
            f"*/{step} {listed(hours)} * * *": due_by_elapsed_time(walls, set(range(0, 60, step)), hours),
            f"{listed(minutes)} */3 * * *": due_by_elapsed_time(walls, minutes, set(range(0, 24, 3))),
        }
        for spec, numbers in expected.items():
            found = islice(moments(Cron(spec, tz), start), len(numbers))
            assert [(moment - start) / MINUTE for moment in found] == numbers, spec
