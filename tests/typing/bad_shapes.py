"""What does not fit unions, tuples, merged and recursive objects."""

from contracts import Bus, Broker, Circle, DrawingMessage, Json, Shape, Tree

from microagent import MicroAgent


def radius(shape: Shape) -> float:
    if shape["kind"] == "polygon":
        # E: mypy[no-any-return,typeddict-item] pyright[reportGeneralTypeIssues,reportUnknownVariableType]
        return shape["radius"]
    return shape["radius"]


class Painter(MicroAgent[Bus, Broker]):
    async def send(self) -> None:
        circle: Circle = {"kind": "polygon", "radius": 1}  # E: mypy[typeddict-item] pyright[reportAssignmentType]
        # E: mypy[typeddict-item] pyright[reportAssignmentType]
        point: DrawingMessage = {"shapes": [circle], "origin": (1, 2, 3)}
        # E: mypy[typeddict-item] pyright[reportAssignmentType]
        text: DrawingMessage = {"shapes": [circle], "origin": (1, "2")}
        # E: mypy[typeddict-item] pyright[reportAssignmentType]
        layer: DrawingMessage = {"shapes": [], "origin": (1, 2), "layer": {"name": "front"}}
        # E: mypy[typeddict-item] pyright[reportAssignmentType]
        deep: Tree = {"children": [{"children": [{"children": 1}]}]}
        json: Json = {"a": [{"b": object()}]}  # E: mypy[dict-item] pyright[reportAssignmentType]
        # E: mypy[typeddict-item] pyright[reportArgumentType]
        await self.broker.changed.send({"event": "moved", "to": "x"})
        await self.broker.changed.send({"event": "gone"})  # E: mypy[arg-type] pyright[reportArgumentType]
        self.log.info("%s", (point, text, layer, deep, json))
