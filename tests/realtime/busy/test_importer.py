"""Busy times imported by a real server from a real one: they block slots, and a fault keeps the last good copy."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support import Api, Client, Server, eventually
from tests.support.port import free_port

DAY = (datetime.now(UTC) + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
QUICK = ("--no-demo", "--busy-private", "--busy-minutes", "0.02")


def _file(*hours: int) -> str:
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{hour}\r\nDTSTART:{DAY:%Y%m%d}T{hour:02}0000Z\r\nDURATION:PT1H\r\nEND:VEVENT\r\n"
        for hour in hours
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n"


class _Source:
    """An HTTP server with one file, which may fail."""

    def __init__(self) -> None:
        self.text: str | None = _file(9)

    async def answer(self, _request: web.Request) -> web.Response:
        return web.Response(status=500) if self.text is None else web.Response(text=self.text)


def test_busy_times_are_imported_again_and_again(tmp_path: Path) -> None:
    """A watcher sees slots become blocked and free; a failing source keeps its times, and its removal frees them."""
    with Server(tmp_path, *QUICK) as server:
        token = server.command("token", "--scope", "staff").strip()
        server.command("calendar", "create", "chairs")
        asyncio.run(_story(server, token))
        assert "secret-path" not in server.log


async def _story(server: Server, token: str) -> None:
    source, port = _Source(), free_port()
    app = web.Application()
    app.router.add_get("/secret-path", source.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    hours = [DAY + timedelta(hours=hour) for hour in (9, 10, 11)]
    slots = [{"start": hour.isoformat(), "end": (hour + timedelta(hours=1)).isoformat()} for hour in hours]
    async with Api(server.url, token) as api, Client(server.url) as client:
        await api.post("/api/calendars/chairs/slots", slots=slots)
        viewer = await client.watch("chairs")

        def is_free(*free: bool) -> bool:
            return [slot["bookable"] for slot in viewer.slots] == list(free)

        url = f"http://127.0.0.1:{port}/secret-path"
        added = (await api.post("/api/calendars/chairs/busy", url=url, name="Own"))["source"]
        await eventually(lambda: is_free(False, True, True), 30, "the first event")
        source.text = _file(10, 11)
        await eventually(lambda: is_free(True, False, False), 30, "the next events")

        async def fault() -> Any:
            return (await api.get("/api/calendars/chairs/busy"))["sources"][0].get("error", "")

        for source.text, told in (("", "It is no iCalendar file"), (None, "It answers with the status 500.")):
            async with asyncio.timeout(30):
                while not (await fault()).startswith(told):  # noqa: ASYNC110 - another process fails
                    await asyncio.sleep(0.1)
        assert is_free(True, False, False)
        uploaded = (await api.post("/api/calendars/chairs/busy", text=_file(9)))["source"]
        await eventually(lambda: is_free(False, False, False), 30, "the file's event")
        for one in (added, uploaded):
            assert (await api.ask("DELETE", f"/api/busy/{one['id']}")).code == "ok"
        await eventually(lambda: is_free(True, True, True), 30, "the removal")
    await runner.cleanup()
