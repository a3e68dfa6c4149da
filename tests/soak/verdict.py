"""What samples of a process tell: whether it stays as large as it is, and what it left unsaid."""

import re
from collections.abc import Iterator, Mapping, Sequence

from microagent.prefetch import PREFETCH

WARM = 0.25  # of the samples are before it has settled
BOUNDS = {"rss": 6.0, "files": 2.0, "tasks": 10.0}  # growth in all: megabytes, open files, tasks
UNITS = {"rss": "MB", "files": "open files", "tasks": "tasks"}
FORGOTTEN = re.compile(r".*(?:never retrieved|never awaited|was destroyed but).*")

Samples = Sequence[Mapping[str, float]]


def slope(values: Sequence[float]) -> float:
    """Growth from one value to the next, by least squares."""
    middle, mean = (len(values) - 1) / 2, sum(values) / len(values)
    spread = sum((place - middle) ** 2 for place in range(len(values)))
    return sum((place - middle) * (value - mean) for place, value in enumerate(values)) / spread if spread else 0.0


def growth(samples: Samples) -> dict[str, float]:
    """Of each thing that is to stay as it is, over the time after it has settled."""
    settled = samples[round(len(samples) * WARM) :]
    return {key: slope([each[key] for each in settled]) * (len(settled) - 1) for key in BOUNDS}


def complaints(samples: Samples, said: str) -> Iterator[str]:
    """
    What is wrong, a sentence each.

    :param said: all that the process wrote to stderr
    """
    for key, grown in growth(samples).items():
        if grown > BOUNDS[key]:
            yield f"{grown:.1f} {UNITS[key]} more, and {BOUNDS[key]:.0f} are allowed"
    if (held := max(each["held"] for each in samples)) > PREFETCH:
        yield f"{held:.0f} messages were held, more than {PREFETCH}"
    if (here := max(each["here"] for each in samples)) > 2 * PREFETCH:
        yield f"{here:.0f} messages were here, those included whose verdict was on its way: more than {2 * PREFETCH}"
    yield from FORGOTTEN.findall(said)


def told(samples: Samples) -> str:
    """The figures, in a line."""
    grown = growth(samples)
    last = samples[-1]
    parts = [f"{last[key]:.0f} {UNITS[key]} ({grown[key]:+.1f})" for key in BOUNDS]
    return f"{', '.join(parts)}, at most {max(each['held'] for each in samples):.0f} messages held"
