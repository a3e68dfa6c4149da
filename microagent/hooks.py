"""What an agent runs at the turns of its life: ``pre_start``, ``post_start``, ``pre_stop``, and its servers."""

import inspect
from collections.abc import Callable
from typing import Any

from microagent.handlers import HookLabel, on

__all__ = ["HookLabel", "on", "run_hook"]


async def run_hook(hook: Callable[[], Any]) -> None:
    """Run a hook, plain or async, to its end; what it raises is raised."""
    result = hook()
    if inspect.isawaitable(result):
        await result
