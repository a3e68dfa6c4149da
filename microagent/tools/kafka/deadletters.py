"""The dead letters of a queue: listed, and taken away by a note of it."""

import logging
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from microagent.delivery import DeadLetter
from microagent.errors import BackendConnectionError, BackendError
from microagent.link import Interrupted
from microagent.tools.kafka import messages, removals
from microagent.tools.kafka.driver import Admin, Consumer, Partition, Record, forget
from microagent.tools.kafka.errors import translated
from microagent.tools.kafka.portions import Letter
from microagent.tools.kafka.questions import Bounds, Questions, read_through
from microagent.tools.kafka.removals import Grave
from microagent.tools.kafka.topics import Creation, Topics

NEAR = 200  # records that are read over rather than looked for beyond
_PLACE = re.compile(r"(?P<topic>.*)/(?P<partition>\d{1,9})/(?P<offset>\d{1,18})")

Post = Callable[[Sequence[Letter]], Awaitable[Sequence[Exception | None]]]


@dataclass
class _Known:
    """
    What is known of a queue's dead letters before they are read.

    :ivar bounds: of their partitions: the offsets of the first and after the last record
    :ivar notes: of what has been taken away: where each note stands, and its letters
    :ivar removed: the letters of all notes
    """

    bounds: Bounds
    notes: Sequence[tuple[Record, Sequence[Grave]]]
    removed: set[Grave] = field(init=False)

    def __post_init__(self) -> None:
        self.removed = {grave for _, graves in self.notes for grave in graves}


class DeadLetters:
    """
    Of the queues of one connection.

    A letter is taken away by a note in a topic beside theirs, so two may do so at the same time. Records that nobody
    will read any more, from the first up to the first that is still there, are deleted, as are notes on them.

    :param post: writes messages, see Session.post
    """

    def __init__(self, questions: Questions, admin: Admin, creation: Creation, post: Post, log: logging.Logger) -> None:
        self._questions = questions
        self._admin = admin
        self._creation = creation
        self._post = post
        self._log = log

    async def oldest(self, topics: Topics, limit: int) -> Sequence[Record]:
        """Those that are still there, at most so many."""
        with translated():
            async with self._questions.reading() as reader:
                known = await self._known(reader, topics)
                found = await _still_there(reader, known, limit)
        return messages.by_age(found)[:limit]

    async def resend(self, topics: Topics, letters: Sequence[DeadLetter]) -> int:
        """
        Write the messages anew, for the group that gave them up, and take the letters away.

        :return: how many there were
        :raises Interrupted: if some of it may have been done
        :raises BackendConnectionError: if nothing was done
        """

        async def send(found: Sequence[Record]) -> Sequence[Exception | None]:
            return await self._post([_anew(topics, record) for record in found])

        return await self._remove(topics, letters, "resent", send)

    async def discard(self, topics: Topics, letters: Sequence[DeadLetter]) -> int:
        """Take the letters away, likewise."""

        async def forget(found: Sequence[Record]) -> Sequence[Exception | None]:
            return [None] * len(found)

        return await self._remove(topics, letters, "discarded", forget)

    async def _remove(
        self,
        topics: Topics,
        letters: Sequence[DeadLetter],
        what: str,
        hand_on: Callable[[Sequence[Record]], Awaitable[Sequence[Exception | None]]],
    ) -> int:
        with translated():
            async with self._questions.reading() as reader:
                known = await self._known(reader, topics)
                wanted = _graves(topics, letters) - known.removed
                found = messages.by_age(await _found(reader, known.bounds, wanted))
                if not found:
                    return 0
                await self._creation.removed(topics)
                results = await hand_on(found)
                gone = [_grave(record) for record, result in zip(found, results, strict=True) if result is None]
                await self._note(topics, what, gone)
                await self._tidy(reader, topics, known, gone)
        _raise_first(results)
        return len(gone)

    async def _note(self, topics: Topics, what: str, gone: Collection[Grave]) -> None:
        notes = [Letter(topics.removed, text) for text in removals.written(what, gone)]
        try:
            _raise_first(await self._post(notes) if notes else ())
        except BackendError as error:
            if what == "discarded":
                raise
            told = f"{error}; the messages were sent, and their letters are still there"
            raise (Interrupted if isinstance(error, BackendConnectionError) else type(error))(told) from error

    async def _known(self, reader: Consumer, topics: Topics) -> _Known:
        """The notes are read before the letters: what is deleted meanwhile has a note no more, and no record either."""
        places = await self._questions.places([topics.dead, topics.removed])
        bounds = await self._questions.bounds(places)
        notes = await _read(reader, {place: bounds[place] for place in places if place.topic == topics.removed})
        letters = {place: bounds[place] for place in places if place.topic == topics.dead}
        return _Known(letters, [(record, removals.read(record.value)) for record in notes])

    # -- making room

    async def _tidy(self, reader: Consumer, topics: Topics, known: _Known, gone: Iterable[Grave]) -> None:
        """Nothing depends on it: where we may not, records and notes stay, and are read over each time."""
        try:
            firsts = {place: await _first_left(reader, place, known, gone) for place in [*known.bounds]}
            await self._forget({place: first for place, first in firsts.items() if first > known.bounds[place][0]})
            first_of = {place.partition: first for place, first in firsts.items()}
            await self._forget(_notes_over(topics, known, first_of))
        except Exception as error:  # noqa: BLE001 - all that was asked for is done
            self._log.debug("%s: removed dead letters are not deleted: %s", topics.dead, error)

    async def _forget(self, firsts: Mapping[Partition, int]) -> None:
        if firsts:
            await forget(self._admin, firsts)


def _raise_first(results: Sequence[Exception | None]) -> None:
    """
    What could not be written, if anything.

    :raises Interrupted: if a server was away, which may have it
    """
    for error in filter(None, results):
        raise Interrupted(str(error)) if isinstance(error, BackendConnectionError) else error


def _anew(topics: Topics, record: Record) -> Letter:
    """To the group that gave it up alone, if that is known: others have handled it, or have a letter of their own."""
    group = messages.group(record)
    topic = topics.queue if group is None else Topics(topics.queue, group).retry(0)
    return Letter(topic, record.value or b"", record.key, messages.resent(record))


def _graves(topics: Topics, letters: Iterable[DeadLetter]) -> set[Grave]:
    """Where letters lie, as their ids and times say; an id of another kind says nothing."""
    places = ((_PLACE.fullmatch(letter.id), letter.time) for letter in letters)
    return {
        Grave(int(place["partition"]), int(place["offset"]), round(time * 1000))
        for place, time in places
        if place is not None and place["topic"] == topics.dead
    }


def _grave(record: Record) -> Grave:
    return Grave(record.partition, record.offset, messages.buried_at(record))


async def _read(reader: Consumer, bounds: Bounds) -> list[Record]:
    """All that is within these bounds."""
    found: list[Record] = []
    await read_through(reader, bounds, lambda _, records: found.extend(records))
    return found


async def _still_there(reader: Consumer, known: _Known, limit: int) -> list[Record]:
    """The first letters of each partition that have not been taken away."""
    found: defaultdict[Partition, list[Record]] = defaultdict(list)

    def is_enough(place: Partition, records: Sequence[Record]) -> bool:
        found[place] += [record for record in records if _grave(record) not in known.removed]
        return len(found[place]) >= limit

    await read_through(reader, known.bounds, is_enough)
    return [record for records in found.values() for record in records[:limit]]


async def _found(reader: Consumer, bounds: Bounds, wanted: Collection[Grave]) -> list[Record]:
    """The records of these letters; what lies far from each other is read by itself."""
    found: list[Record] = []
    for place, (first, end) in bounds.items():
        offsets = sorted(grave.offset for grave in wanted if grave.partition == place.partition)
        for start, stop in _stretches([offset for offset in offsets if first <= offset < end]):
            near = await _read(reader, {place: (start, stop)})
            found.extend(record for record in near if _grave(record) in wanted)
    return found


def _stretches(offsets: Iterable[int]) -> list[tuple[int, int]]:
    """From where to where offsets are near each other."""
    stretches: list[tuple[int, int]] = []
    for offset in offsets:
        if stretches and offset - stretches[-1][1] < NEAR:
            stretches[-1] = stretches[-1][0], offset + 1
        else:
            stretches.append((offset, offset + 1))
    return stretches


async def _first_left(reader: Consumer, place: Partition, known: _Known, gone: Iterable[Grave]) -> int:
    """The offset of the first letter of a partition that is still there; or, of all that were there, after the last."""
    first, end = known.bounds[place]
    just_gone = {grave.offset for grave in gone if grave.partition == place.partition}
    removed = known.removed | set(gone)
    noted = {grave.offset for grave in removed if grave.partition == place.partition}
    while first in just_gone:
        first += 1
    while first < end and first in noted:
        stop = min(first + NEAR, end)
        left = [
            record.offset for record in await _read(reader, {place: (first, stop)}) if _grave(record) not in removed
        ]
        if left:
            return left[0]
        first = stop
    return first


def _notes_over(topics: Topics, known: _Known, firsts: dict[int, int]) -> dict[Partition, int]:
    """For each partition of the notes, up to where they say nothing any more."""
    over: dict[Partition, int] = {}
    ended: set[int] = set()
    for record, graves in sorted(known.notes, key=lambda note: note[0].offset):
        if removals.is_over(graves, firsts) and record.partition not in ended:
            over[Partition(topics.removed, record.partition)] = record.offset + 1
        else:
            ended.add(record.partition)
    return over
