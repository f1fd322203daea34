"""A server's connections to its database are bounded, also while calendars are locked elsewhere."""

import asyncio
from pathlib import Path

import psycopg

from models.service import SlotService
from models.writing.spare_writers import MOST_SPARES
from realtime.reads.readers import THREADS
from tests.support import ROOT, Api, Server, eventually, new_key
from tests.support.databases.postgres import Postgres
from tests.support.example import in_days

CALENDARS = 30
WRITERS = SlotService("", b"").writers
OTHERS = ("router", "listener", "notifications", "leader")
MOST = WRITERS * (1 + MOST_SPARES) + len(THREADS) + len(OTHERS)


async def test_a_server_opens_a_bounded_number_of_connections(tmp_path: Path, postgres: Postgres) -> None:
    """docs/scale.md states the number. Every writer and spare is at work: another program locks all calendars."""
    assert f"at most {MOST} connections" in " ".join((ROOT / "docs" / "scale.md").read_text().split())
    database = postgres.new_url()
    counted = f"{database}&application_name=counted"

    def count() -> int:
        ((found,),) = postgres.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'counted'")
        return int(found)

    settings = {"SLOTCAST_DEMO": "0", "SLOTCAST_RATE": "0"}
    with Server(tmp_path, database=counted, settings=settings) as server:
        token = server.command("token", "--scope", "staff").strip()
        async with Api(server.url, token) as api:
            for number in range(CALENDARS):
                await api.post("/api/calendars", id=f"room-{number}", name="Room", zone="UTC")
            with psycopg.connect(database) as other:
                other.execute("SELECT id FROM calendar ORDER BY id FOR UPDATE")
                place = {"start": in_days(1), "end": in_days(2)}
                asked = [
                    asyncio.create_task(
                        api.ask("POST", f"/api/calendars/room-{number}/slots", {"slots": [place]}, key=new_key())
                    )
                    for number in range(CALENDARS)
                ]
                asked += [
                    asyncio.create_task(api.ask("GET", f"/api/calendars/room-{number}/slots"))
                    for number in range(CALENDARS)
                ]
                await eventually(lambda: count() > WRITERS * MOST_SPARES, what="the spare writers")
                assert count() <= MOST
                other.rollback()
            assert {(await answer).code for answer in asked} == {"ok"}
            assert count() <= MOST
