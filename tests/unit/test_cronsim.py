"""Cron specs by the thousand, against an implementation of the same rules by somebody else: cronsim."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim, CronSimError

from microagent import MicroAgent, ScheduleError, cron
from microagent.schedule import ALIASES, FIELDS, Cron

# When clocks are set forward and back in 2024. Not compared, because cronsim is wrong there: zones that do it at
# midnight, Lord Howe's half hour, what comes next within doubled time, and `a-a/n`.
CHANGES = {
    "Europe/Berlin": (datetime(2024, 3, 31, 1, tzinfo=UTC), datetime(2024, 10, 27, 1, tzinfo=UTC)),
    "America/New_York": (datetime(2024, 3, 10, 7, tzinfo=UTC), datetime(2024, 11, 3, 6, tzinfo=UTC)),
    "Australia/Sydney": (datetime(2024, 10, 5, 16, tzinfo=UTC), datetime(2024, 4, 6, 16, tzinfo=UTC)),
}
DAY = 86400


class Generator:
    """Makes up specs, the same ones for the same seed."""

    def __init__(self, seed: str) -> None:
        self._chance = random.Random(seed)

    def specs(self, count: int, likely_hours: tuple[str, ...] = ()) -> list[str]:
        return [self._spec(likely_hours) for _ in range(count)]

    def moment(self, start: datetime, seconds: float) -> datetime:
        return start + timedelta(seconds=self._chance.randrange(int(seconds)))

    def _spec(self, likely_hours: tuple[str, ...]) -> str:
        texts = [self._field(number) for number in range(5)]
        if likely_hours:  # days that come soon, and hours near the change
            texts[1] = self._chance.choice([*likely_hours, texts[1]])
            texts[2:4] = [self._chance.choice(["*", "*", "*/2", texts[2]]), "*"]
        return " ".join(texts)

    def _field(self, number: int) -> str:
        if self._chance.random() < (0.3 if number < 2 else 0.5):
            return "*"
        return ",".join(self._item(number) for _ in range(self._chance.choice([1, 1, 1, 2, 3])))

    def _item(self, number: int) -> str:
        field = FIELDS[number]
        first, last = sorted(self._chance.sample(range(field.low, field.high + 1), 2))
        step = self._chance.randint(1, field.high - field.low + 1)
        name = self._chance.choice([*field.names, str(first)])
        forms = [str(first), f"{first}-{last}", f"{first}-{last}/{step}", f"{first}/{step}", f"*/{step}"]
        return self._chance.choice([*forms, self._chance.choice([name, name.upper()])])


def ours(spec: str, start: datetime, tz: str, count: int) -> list[datetime]:
    """Its next moments, in UTC."""
    return list(islice(_moments(Cron(spec, tz), start), count))


def _moments(cron: Cron, moment: datetime) -> Iterator[datetime]:
    while True:
        moment = cron.next(moment).astimezone(UTC)
        yield moment


def theirs(spec: str, start: datetime, tz: str, count: int) -> list[datetime]:
    local = start.astimezone(UTC if tz == "UTC" else ZoneInfo(tz))
    return [moment.astimezone(UTC) for moment in islice(CronSim(spec, local), count)]


def differences(specs: list[tuple[str, datetime]], tz: str) -> dict[str, object]:
    """What the two make of these specs from these moments on, where it is not the same."""
    found = {f"{spec} from {start}": (ours(spec, start, tz, 4), theirs(spec, start, tz, 4)) for spec, start in specs}
    return {spec: both for spec, both in found.items() if both[0] != both[1]}


def test_moments_in_utc_are_the_same() -> None:
    """
    Two thousand specs name the same moments, from anywhere in three years on.
    """
    generator = Generator("utc")
    start = datetime(2023, 1, 1, tzinfo=UTC)
    specs = [(spec, generator.moment(start, 3 * 365 * DAY)) for spec in generator.specs(2000)]

    assert differences(specs, "UTC") == {}


@pytest.mark.parametrize("tz", CHANGES)
@pytest.mark.parametrize("direction", ["forward", "back"])
def test_moments_around_a_change_of_clocks_are_the_same(tz: str, direction: str) -> None:
    """
    In other zones, too, from anywhere in the day before the change and the day after it.
    """
    generator = Generator(f"{tz} {direction}")
    change = CHANGES[tz][direction == "back"]
    starts = [change - timedelta(days=1), change + timedelta(hours=1)]
    specs = generator.specs(600, likely_hours=("0", "1", "2", "3", "23", "*/2", "1-3", "0,2", "2/3"))

    assert differences([(s, generator.moment(starts[n % 2], DAY)) for n, s in enumerate(specs)], tz) == {}


@pytest.mark.parametrize("alias", ALIASES)
def test_aliases_are_the_same_as_what_they_stand_for(alias: str) -> None:
    """
    cronsim knows no aliases, but knows what they stand for.
    """
    start = datetime(2024, 2, 28, 12, 34, 56, tzinfo=UTC)

    assert ours(alias, start, "UTC", 4) == theirs(ALIASES[alias], start, "UTC", 4)


@pytest.mark.parametrize(
    "spec",
    [
        "* * * *", "60 * * * *", "-1 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *", "* * * 13 *",
        "* * * * 8", "5-1 * * * *", "* * * dec-jan *", "* * * * sat-sun", "*/0 * * * *", "1/0 * * * *", "*/ * * * *",
        "/5 * * * *", "*/x * * * *", "1,,2 * * * *", ",1 * * * *", "*-5 * * * *", "1- * * * *", "1-2-3 * * * *",
        "1.5 * * * *", "+1 * * * *", "\u0663 * * * *", "? * * * *", "x * * * *", "* * * mon *", "* * * * jan",
        "* * * * 1#9", "0 0 30 2 *", "0 0 31 4,6,9,11 *",
    ],
)  # fmt: skip
def test_what_one_refuses_the_other_refuses(spec: str) -> None:
    """
    A bad spec is refused when the class is created, in one sentence that shows it.
    """
    with pytest.raises(CronSimError):
        CronSim(spec, datetime(2024, 1, 1, tzinfo=UTC))
    with pytest.raises(ScheduleError) as refusal:

        class Clerk(MicroAgent):
            @cron(spec)
            async def work(self) -> None: ...

    assert str(refusal.value).startswith(f"cron {spec!r}: ")
    assert "\n" not in str(refusal.value)
