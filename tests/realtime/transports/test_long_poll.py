"""Long polls go on by pages, as far back as the log goes."""

import asyncio
from pathlib import Path

from tests.support import STAFF, Api, Client, Server, new_key
from tests.support.replica import Replica

CHANGES = 1_203  # more than two pages, and more than a replay has at once


async def test_what_is_more_than_a_replay_comes_by_pages(tmp_path: Path) -> None:
    """From the first cursor every change is had, in order, by polls that say that there is more."""
    with Server(tmp_path, "--no-demo", "--rate", "0") as server:
        token = server.command("token", "--scope", "staff").strip()
        async with Api(server.url, token) as api, Client(server.url, token=token, namespace=STAFF) as staff:
            await api.post("/api/calendars", id="busy", name="Busy", zone="UTC")
            after = (await api.get("/api/calendars/busy/changes"))["cursor"]
            for begin in range(0, CHANGES, 400):
                names = [f"Name {place}" for place in range(begin, min(begin + 400, CHANGES))]
                sent = [staff.send("calendar.update", {"id": "busy", "name": name, "key": new_key()}) for name in names]
                assert all(answer["ok"] for answer in await asyncio.gather(*sent))
            head = (await api.get("/api/calendars/busy/changes"))["seq"]
            replica, sizes = Replica(), []
            replica.take_snapshot({"info": {}, "seq": 0, "cursor": after, "slots": []})
            while True:
                poll = await api.get(f"/api/calendars/busy/changes?after={after}")
                sizes.append(len(poll["changes"]))
                for change in poll["changes"]:
                    assert change["prev"] == replica.have
                    replica.apply(change)
                after = poll["cursor"]
                assert poll["more"] == (poll["seq"] < head)
                if not poll["more"]:
                    break
            assert sizes == [500, 500, 203]
            assert (replica.have, replica.info["name"]) == (head, f"Name {CHANGES - 1}")
            gone = await api.ask("GET", "/api/calendars/busy/changes?after=1.000000000000")
            assert gone.code == "cursor_gone"
