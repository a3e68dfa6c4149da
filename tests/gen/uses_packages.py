"""
Uses the expected packages; only type checkers read it.

A line with two ``ignore`` comments is one that both checkers must refuse, for exactly this reason.
"""

from typing import Any

import names as n
import objects as o

from microagent import MicroAgent, Signal, consumer, receiver


class Shop(MicroAgent[o.Bus, o.Broker]):
    @receiver(o.signals.order_paid)
    async def paid(self, order: o.Order, total: float, **kwargs: object) -> o.OrderPaid_Result:
        name: str = order["customer"]["name"]
        follows = order.get("follows")
        number: str = follows["number"] if follows else name
        return {"receipt": number}

    @receiver(o.signals.order_paid)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async def wrong_answer(self, **kwargs: object) -> dict[str, int]:
        return {}

    @receiver(o.signals.labelled)
    async def labelled(self, signal: Signal, sender: str, number: int, **labels: str) -> None: ...

    @receiver(o.signals.found)
    async def found(self, number: str = "", name: str = "", **kwargs: object) -> None: ...

    @receiver(o.signals.found)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    def not_async(self, **kwargs: object) -> None: ...

    @consumer(o.queues.tree)
    async def grow(self, /, root: o.TreeMessage_Node, **kwargs: object) -> None:
        children: list[o.TreeMessage_Node] = root.get("children", [])
        print(children)

    @consumer(o.queues.settings)
    async def set(self, **values: str | float) -> None: ...

    @consumer(o.queues.open)
    async def open(self, number: int, **kwargs: object) -> None: ...

    @consumer(o.queues.audit)
    async def audit(self, anything: str) -> None: ...

    async def send(self) -> None:
        order: o.Order = {"number": "1", "customer": {"name": "Ann", "email": None}}
        answers = await self.bus.order_paid.call("shop", order=order, total=1, channel="web", schema="v2")
        receipts: list[str] = [answer["receipt"] for answer in answers.values()]
        print(receipts)
        await self.bus.order_refunded.send("shop", number="1", customer={"name": "Ann"})
        await self.bus.labelled.send("shop", number=1, colour="red")
        await self.bus.found.send("shop", name="Ann")
        await self.bus.labelled.send("shop", number=1, colour=2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        await self.broker.orders.send({"number": "1", "customer": {"name": "Ann"}, "follows": order})
        await self.broker.tree.send({"root": {"value": 1, "children": [{"value": 2, "children": []}]}})
        await self.broker.tree.send({"root": {"value": "1"}})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
        await self.broker.settings.send({"a": 1, "b": "c"})
        await self.broker.settings.send({"a": None})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
        await self.broker.open.send({"number": 1, "more": [1]})
        message: o.OpenMessage = {"number": 1}
        await self.broker.open.send(message)
        await self.broker.audit.send({"a": object()})


class Named(n.Agent):
    @receiver(n.signals.signals, n.signals.bus)
    async def both(self, **kwargs: object) -> None: ...

    @receiver(n.signals.odd_and_open)
    async def odd(self, extra: str = "", **kwargs: Any) -> None: ...

    @consumer(n.queues.order_message)
    async def ordered(self, /, **kwargs: object) -> None: ...

    @consumer(n.queues.dict)
    async def shadowing(self, a: str = "", **kwargs: object) -> None: ...

    async def send(self) -> None:
        await self.bus.signals.send("named", int=1, str="a", list=[])
        odd: n.Mro = {"type": 1, "__mangled": 2}
        await self.bus.mro.send("named", **odd)
        await self.bus.mro.send("named", type=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        await self.broker.dict.send({"a": "b", "ﬁ": "c"})
        await self.broker.str.send({"anything": 1})
        await self.broker.order.send({"agent": 1, "x-y": None})
        await self.broker.order_message.send({"class": "a", "user-id": {"a": 1}, "user_id": {"b": 2}, "": "empty"})


class BothBus(o.Bus, n.Bus):
    """The signals of two packages."""


class BothBroker(o.Broker, n.Broker):
    """The queues of two packages."""


class Both(MicroAgent[BothBus, BothBroker]):
    @receiver(o.signals.labelled, n.signals.bus)
    async def of_both(self, **kwargs: object) -> None: ...

    @consumer(n.queues.dict)
    async def of_names(self, **kwargs: object) -> None: ...

    async def send(self) -> None:
        await self.bus.labelled.send("both", number=1)
        await self.bus.signals.send("both", int=1, str="a", list=[])
        await self.bus.labelled.send("both", number="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        await self.bus.signals.send("both", int="1", str="a", list=[])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        await self.broker.settings.send({"a": 1})
        await self.broker.str.send({"anything": 1})
        await self.broker.settings.send({"a": None})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
