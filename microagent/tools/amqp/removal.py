"""Taking dead letters out of their queue, which can only be read from its front."""

import math
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import aiormq
from aiormq import spec
from aiormq.abc import DeliveredMessage

from microagent.delivery import DeadLetter
from microagent.errors import BackendConnectionError
from microagent.link import Interrupted
from microagent.tools.amqp import messages

TOGETHER = 100  # letters that are held until they are handed on
SKEW = 60.0  # seconds by which the clocks of those who bury may differ

HandOn = Callable[[Sequence[DeliveredMessage]], Awaitable[Sequence[Exception | None]]]


class Removal:
    """
    One look through the dead letters of a queue.

    What is in front of a letter is held meanwhile, and goes back to its place; so does all that is held when the
    connection ends. Which one is meant is said by all that a letter says: ids may be the senders', and need not differ.

    :param letters: that are to go
    :param hand_on: where they are to go to; a letter leaves the queue when that has gone well
    :ivar count: how many have left it
    """

    def __init__(self, queue: str, letters: Sequence[DeadLetter], hand_on: HandOn) -> None:
        self.count = 0
        self._queue = queue
        self._wanted = Counter(letters)
        self._left = len(letters)
        self._hand_on = hand_on
        self._last = max(letter.time or math.inf for letter in letters) + SKEW
        self._has_begun = False

    async def look(self, channel: aiormq.Channel, place: str) -> None:
        """Through the queue ``place``, up to the last letter, or to what was buried later than all of them."""
        found: list[DeliveredMessage] = []
        failure: Exception | None = None
        while self._left and failure is None:
            message = await channel.basic_get(place)
            if isinstance(message.delivery, spec.Basic.GetEmpty):
                break
            letter = messages.dead_letter(self._queue, message)
            if self._wanted[letter]:
                self._wanted[letter] -= 1
                self._left -= 1
                found.append(message)
            elif letter.time > self._last:
                break
            if len(found) == TOGETHER:
                failure = await self._take_out(channel, found)
                found = []
        failure = failure or await self._take_out(channel, found)
        await channel.basic_nack(0, multiple=True, requeue=True)
        await channel.basic_qos(prefetch_count=0)  # its answer says that all this is done
        if failure is not None:
            raise failure

    async def _take_out(self, channel: aiormq.Channel, found: Sequence[DeliveredMessage]) -> Exception | None:
        """Hand them on, and acknowledge those with which that went well; why it did not with the others."""
        if not found:
            return None
        results = await self._hand_on(found)
        self._has_begun = True
        for message, result in zip(found, results, strict=True):
            if result is None:
                await channel.basic_ack(message.delivery_tag or 0, wait=False)
                self.count += 1
        return next(filter(None, results), None)

    def what_became_of_it(self, error: BackendConnectionError) -> BackendConnectionError:
        """The same error, if nothing was done; else one that says so."""
        return Interrupted(str(error)) if self._has_begun else error
