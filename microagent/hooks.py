"""Running the hooks and servers of an agent."""

import inspect
from collections.abc import Callable
from typing import Any

from microagent.handlers import HookLabel, on

__all__ = ["HookLabel", "on", "run_hook"]


async def run_hook(hook: Callable[[], Any]) -> None:
    """Call a hook; await the result if it is awaitable."""
    result = hook()
    if inspect.isawaitable(result):
        await result
