"""What a class sends, as its source says."""

from typing import Any

from microagent import MicroAgent
from microagent.running.send_calls import SendCall, send_calls


class Base:
    """Something that agents may inherit from."""

    bus: Any
    broker: Any

    async def greet(self) -> None:
        await self.bus.greeting.send("base")


class Speaker(MicroAgent, Base):
    """Sends in every way that is seen, and in one that is not."""

    async def speak(self) -> None:
        await self.bus.word.send("speaker", text="a")
        await self.bus.word.send("speaker", text="b")
        count = await self.bus["count"].call("speaker")
        async with self.bus.roll.waiter("speaker") as replies:
            async for reply in replies:
                await self.broker.letter.send({"reply": reply, "count": count})
        await self.broker.parcel({"heavy": True})
        hidden = self.bus
        await hidden.secret.send("speaker")

    async def stay_silent(self) -> None:
        await self.bus.send("PUBSUB:raw:speaker", b"{}")
        await self.broker.send("raw", b"{}")
        await self.broker.dead("letter")
        await self.broker.letter.length()
        self.bus.log.info("send")


class Silent(MicroAgent):
    """Sends nothing."""


def test_what_stands_in_the_source_is_seen() -> None:
    """
    Signals, calls and messages that a class or a base of it sends by ``self.bus`` and ``self.broker``, each once;
    not what goes through a variable, and not what bus and broker do themselves.
    """
    assert send_calls(Speaker) == [
        SendCall("broker", "send", "letter"),
        SendCall("broker", "send", "parcel"),
        SendCall("bus", "call", "count"),
        SendCall("bus", "call", "roll"),
        SendCall("bus", "send", "greeting"),
        SendCall("bus", "send", "word"),
    ]


def test_class_that_sends_nothing() -> None:
    """
    An empty list is something else than a source that is not there.
    """
    assert send_calls(Silent) == []
    assert send_calls(type("Made", (MicroAgent,), {"__module__": "nowhere"})) is None
