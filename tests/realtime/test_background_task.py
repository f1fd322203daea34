"""The end of background tasks."""

import asyncio

from realtime.background_task import end_tasks


async def test_tasks_end_with_what_they_must_still_do() -> None:
    """A running, a failed and an ended task are over afterwards, and the running one has done its last step."""
    steps = []

    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("last")

    async def fail() -> None:
        raise ValueError

    tasks = [asyncio.create_task(run()), asyncio.create_task(fail()), None]
    await asyncio.sleep(0)
    await end_tasks(tasks)
    assert steps == ["last"]
    assert all(task.done() for task in tasks if task)
    await end_tasks([])
