"""The picture of the results: how much faster, by server and scenario."""

from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.catalogue import SCENARIOS, SERVERS, US, Scenario, less

SHOWN = {  # by server, what people ask first
    "redis": ("signals.together", "signals.receive", "calls.together", "queues.together", "queues.drain"),
    "amqp": ("queues.together", "queues.drain"),
    "kafka": ("queues.together", "queues.drain"),
    "local": ("queues.together", "queues.drain"),
}
WIDTH, LABELS, BAR, GAP = 860, 330, 16, 4
LONGEST = WIDTH - LABELS - 90
COLOURS = {US: "#2f6f4e"}
TITLE = "Messages a second, by server and library"
NOTE = "* promises less: what it holds is lost in a crash, or its messages end with the server"
OTHERS = "#b9c4bd"
STYLE = "font-family='system-ui, sans-serif' font-size='13'"


def drawn(data: Mapping[str, Any]) -> str:
    """An SVG: a group of bars for each scenario, one for each peer, as long as it is good."""
    parts, y = list[str](), 10
    for server, names in SHOWN.items():
        for scenario in (each for each in SCENARIOS if each.name in names):
            peers = data["measured"].get(server, {}).get(scenario.name, {})
            if US in peers:
                parts.append(_text(10, y + 13, f"{SERVERS[server]}: {scenario.title} ({_unit(scenario)})", "bold"))
                y += BAR + 2 * GAP
                parts += _bars(server, scenario, peers, y)
                y += len(peers) * (BAR + GAP) + 3 * GAP
    parts.append(_text(10, y + 8, NOTE))
    y += 20
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {y}' role='img' {STYLE}>"
    return "\n".join(
        (head, f"<title>{TITLE}</title>", f"<rect width='{WIDTH}' height='{y}' fill='white'/>", *parts, "</svg>", "")
    )


def _unit(scenario: Scenario) -> str:
    return scenario.unit if scenario.more else f"{scenario.unit}, less is better"


def _bars(server: str, scenario: Scenario, peers: Mapping[str, Any], y: int) -> Iterator[str]:
    values = {peer: figures[scenario.figure]["median"] for peer, figures in peers.items() if scenario.figure in figures}
    longest = max(values.values())
    for number, (peer, value) in enumerate(values.items()):
        top = y + number * (BAR + GAP)
        length = max(value / longest * LONGEST, 1)
        mark = "*" if less(server, scenario.name, peer) else ""
        yield _text(LABELS - 8, top + 13, peer + mark, anchor="end")
        fill = COLOURS.get(peer, OTHERS)
        yield f"<rect x='{LABELS}' y='{top}' width='{length:.0f}' height='{BAR}' fill='{fill}'/>"
        yield _text(LABELS + length + 6, top + 13, f"{value:,.0f}")


def _text(x: float, y: float, text: str, weight: str = "normal", anchor: str = "start") -> str:
    return (
        f"<text x='{x:.0f}' y='{y:.0f}' font-weight='{weight}' text-anchor='{anchor}' fill='#222'>{escape(text)}</text>"
    )
