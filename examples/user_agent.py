"""Welcomes new users, sends a report every minute, and asks how many comments a user has written."""

from examples.contracts import Broker, Bus, MailerMessage, signals
from examples.journal import introduce, note
from microagent import MicroAgent, cron, on, periodic, receiver


class UserAgent(MicroAgent[Bus, Broker]):
    @on("post_start")
    def setup(self) -> None:
        introduce(self)

    @cron("* * * * *", timeout=5)
    async def example_cron_send_message(self) -> None:
        note(self.log, "runs", "timer", "example_cron_send_message")
        await self.mail({"text": "Report text", "email": "admin@lwr.pw"})

    @periodic(period=15, timeout=10, start_after=3)
    async def example_periodic_task_send_signal(self) -> None:
        note(self.log, "runs", "timer", "example_periodic_task_send_signal")
        await self.bus.user_comment.send("user_agent", user_id=1, text="informer text")
        note(self.log, "sent", "signal", "user_comment", {"user_id": 1, "text": "informer text"})

    @receiver(signals.user_created)
    async def example_signal_receiver_send_message(self, user_id: int, sender: str, **kwargs: object) -> None:
        note(self.log, "received", "signal", "user_created", {"user_id": user_id, "sender": sender})
        await self.mail({"text": "Welcome text", "email": "user@lwr.pw"})

    @receiver(signals.user_comment)
    async def example_rpc_call(self, user_id: int, text: str, **kwargs: object) -> None:
        note(self.log, "received", "signal", "user_comment", {"user_id": user_id, "text": text})
        note(self.log, "sent", "call", "rpc_comments_count", {"user_id": user_id})
        counts = await self.bus.rpc_comments_count.call("user_agent", user_id=user_id)
        note(self.log, "answered", "call", "rpc_comments_count", counts)

    async def mail(self, message: MailerMessage) -> None:
        await self.broker.mailer.send(message)
        note(self.log, "sent", "message", "mailer", message)
