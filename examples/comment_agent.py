"""Counts the comments of each user, and answers calls with the number."""

import asyncio
from collections import defaultdict

from examples.contracts import Broker, Bus, MailerMessage, signals
from examples.journal import introduce, note
from microagent import MicroAgent, on, receiver


class CommentAgent(MicroAgent[Bus, Broker]):
    comments_cache: defaultdict[int, int]

    @on("pre_start")
    async def setup(self) -> None:
        self.comments_cache = defaultdict(int)

    @on("post_start")
    def ready(self) -> None:
        introduce(self)

    @receiver(signals.rpc_comments_count)
    async def example_rpc_handler(self, user_id: int, **kwargs: object) -> int:
        note(self.log, "received", "call", "rpc_comments_count", {"user_id": user_id})
        await asyncio.sleep(1)
        count = self.comments_cache[user_id]
        note(self.log, "answers", "call", "rpc_comments_count", {"count": count})
        return count

    @receiver(signals.user_comment)
    async def example_signal_receiver_send_message(self, user_id: int, text: str, **kwargs: object) -> None:
        note(self.log, "received", "signal", "user_comment", {"user_id": user_id, "text": text})
        self.comments_cache[user_id] += 1
        message: MailerMessage = {"text": "Comment", "email": "user@lwr.pw"}
        await self.broker.mailer.send(message)
        note(self.log, "sent", "message", "mailer", message)
