"""The end of background tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


async def end_tasks(tasks: Iterable[asyncio.Task[None] | None]) -> None:
    """Cancel the tasks, and wait until they have ended. Their failures were for them to log. None is no task."""
    begun = [task for task in tasks if task is not None]
    for task in begun:
        task.cancel()
    await asyncio.gather(*begun, return_exceptions=True)
