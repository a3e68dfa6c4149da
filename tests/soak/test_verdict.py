"""What the figures of a long run have to say before they are believed."""

import random

import pytest

from soak.verdict import complaints, growth, slope, told

SECONDS = 600


def samples(seconds: int = SECONDS, **growing: float) -> list[dict[str, float]]:
    """A process that is no larger in the end, but for what grows by so much a second, and noise."""
    chance = random.Random(7)
    begun = {"rss": 60.0, "files": 20.0, "tasks": 70.0, "held": 100.0, "here": 200.0}
    noise = {"rss": 1.0, "files": 1.0, "tasks": 5.0, "held": 0.0, "here": 0.0}
    return [
        {key: value + growing.get(key, 0) * second + chance.uniform(-1, 1) * noise[key] for key, value in begun.items()}
        for second in range(seconds)
    ]


def test_slope_is_the_growth_from_one_value_to_the_next():
    """Whatever is between the first and the last counts too; one value does not grow."""
    assert slope([1.0, 3.0, 5.0]) == pytest.approx(2.0)
    assert slope([5.0, 5.0, 5.0]) == slope([5.0]) == 0.0
    assert slope([0.0, 10.0, 0.0]) == pytest.approx(0.0)


def test_process_that_stays_as_it_is_has_nothing_against_it():
    """Noise is no growth, nor is what happens before it has settled."""
    steady = samples()
    assert list(complaints(steady, "all is well")) == []
    assert list(complaints([{**each, "rss": 20.0} for each in steady[:100]] + steady, "")) == []
    assert told(steady).endswith("at most 100 messages held")


@pytest.mark.parametrize(
    ("growing", "complaint"),
    [
        ({"rss": 0.02}, "MB more, and 6 are allowed"),  # 20 bytes a message, of 1,000 a second
        ({"files": 0.01}, "open files more, and 2 are allowed"),
        ({"tasks": 0.05}, "tasks more, and 10 are allowed"),
        ({"held": 0.01}, "messages were held, more than 100"),
        ({"here": 0.01}, "on its way: more than 200"),
    ],
)
def test_process_that_grows_slowly_is_found_out(growing: dict[str, float], complaint: str):
    """By each thing that is to stay as it is, and by what it holds."""
    (said,) = complaints(samples(**growing), "")
    assert said.endswith(complaint)


def test_growth_is_that_of_the_whole_run():
    """As many megabytes as there are after it has settled."""
    assert growth(samples(rss=0.1))["rss"] == pytest.approx(0.1 * SECONDS * 0.75, rel=0.05)


@pytest.mark.parametrize(
    "line",
    [
        "Task exception was never retrieved",
        "worker.py:3: RuntimeWarning: coroutine 'sleep' was never awaited",
        "Future exception was never retrieved",
        "Task was destroyed but it is pending!",
    ],
)
def test_what_nobody_has_looked_at_is_found(line: str):
    """In what the process wrote, among other things."""
    assert list(complaints(samples(), f"INFO fine\n{line}\nmore\n")) == [line]
