"""Unions, tuples, merged and recursive objects, as type checkers see them."""

from typing import assert_type

from contracts import (
    Bus,
    Broker,
    ChangedMessage,
    ChangedMessage_Moved,
    ChangedMessage_Renamed,
    Circle,
    DrawingMessage,
    Json,
    Polygon,
    Shape,
    Tree,
    queues,
)

from microagent import MicroAgent, consumer


def area(shape: Shape) -> float:
    if shape["kind"] == "circle":
        assert_type(shape, Circle)
        return shape["radius"] ** 2 * 3
    assert_type(shape, Polygon)
    (x, y), *_ = shape["points"]
    return x * y


def told(change: ChangedMessage) -> str:
    if change["event"] == "renamed":
        assert_type(change, ChangedMessage_Renamed)
        return change["to"]
    assert_type(change, ChangedMessage_Moved)
    dx, _dy = change["by"]
    assert_type(dx, int | float)
    return str(dx)


class Painter(MicroAgent[Bus, Broker]):
    @consumer(queues.drawing)
    async def draw(self, shapes: list[Shape], origin: tuple[float, float], meta: Json = None, **rest: object) -> None:
        for shape in shapes:
            self.log.info("%s", area(shape))

    async def send(self) -> None:
        circle: Circle = {"kind": "circle", "radius": 1}
        tree: Tree = {"children": [{"children": []}], "root": {"a": {"root": {}}}}
        drawing: DrawingMessage = {
            "shapes": [circle, {"kind": "polygon", "points": [(0, 0), (1.5, 2)]}],
            "origin": (0, 0),
            "meta": {"a": [1, None, {"b": ["c"]}]},
            "layer": {"name": "front", "depth": 1},
            "tree": tree,
        }
        await self.broker.drawing.send(drawing)
        await self.broker.changed.send({"event": "moved", "by": (1, 2)})
        await self.broker.changed.send({"event": "renamed", "to": "x"})
