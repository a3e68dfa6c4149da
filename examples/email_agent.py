"""Consumes messages of the queue ``mailer``; a real agent would send mail."""

from examples.contracts import Broker, Bus, queues
from examples.journal import introduce, note
from microagent import MicroAgent, consumer, on


class EmailAgent(MicroAgent[Bus, Broker]):
    @on("post_start")
    def setup(self) -> None:
        introduce(self)

    @consumer(queues.mailer)
    async def example_read_queue(self, text: str, email: str, **kwargs: object) -> None:
        note(self.log, "consumed", "message", "mailer", {"text": text, "email": email})
