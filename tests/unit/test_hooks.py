"""Running hooks."""

import asyncio

import pytest

from microagent.hooks import run_hook


async def test_a_plain_hook_runs() -> None:
    """A plain function has run when ``run_hook`` returns."""
    calls: list[str] = []

    await run_hook(lambda: calls.append("ran"))

    assert calls == ["ran"]


async def test_an_async_hook_runs_to_its_end() -> None:
    """An async function is awaited to its end."""
    calls: list[str] = []

    async def hook() -> None:
        await asyncio.sleep(0)
        calls.append("ran")

    await run_hook(hook)

    assert calls == ["ran"]


async def test_what_a_plain_hook_returns_is_awaited() -> None:
    """A plain function that returns an awaitable is an async hook as well."""
    future = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(run_hook(lambda: future))
    await asyncio.sleep(0)
    assert not running.done()

    future.set_result(None)

    await running


@pytest.mark.parametrize("is_async", [False, True])
async def test_what_a_hook_raises_is_raised(is_async: bool) -> None:
    """The failure of a hook is its caller's to handle."""

    def plain() -> None:
        raise RuntimeError("no database")

    async def coroutine() -> None:
        plain()

    with pytest.raises(RuntimeError, match="no database"):
        await run_hook(coroutine if is_async else plain)
