"""Names, mails, tokens and ids are not in the log, the metrics, or any table but one."""

import asyncio
import contextlib
import re
import sqlite3
from pathlib import Path

import aiohttp

from tests.support import STAFF, Api, Client, Server, eventually, new_key
from tests.support.example import in_days
from tests.system.both_transports import over_http

PERSON = {"name": "Marker-Name", "email": "marker@mail.example", "phone": "+43-555-0199277", "note": "Marker-Note"}
DATA = {"Marker-field": "Marker-data"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


async def _work(server: Server, token: str) -> list[str]:
    """Do a bit of everything, also failures; return the secrets."""
    secrets = [*PERSON.values(), token, server.database.removeprefix("sqlite:///")]
    async with (
        Client(server.url) as client,
        Client(server.url, token=token, namespace=STAFF) as staff,
        Api(server.url) as guest,
        Api(server.url, token) as api,
    ):
        viewer = await client.watch("room-of-marker")
        await staff.watch("room-of-marker")
        slots = [{"start": in_days(place), "end": in_days(place + 0.5)} for place in range(1, 5)]
        opened = await api.post("/api/calendars/room-of-marker/slots", slots=slots)
        first, second, third, _ = (slot["id"] for slot in opened["slots"])
        key = f"marker-key-{new_key()}"
        hold = (await client.ask("slot.hold", slot=first, key=key))["hold"]
        fields = {"slot": first, "hold": {"id": hold["id"], "token": hold["token"]}, "customer": PERSON, "data": DATA}
        booking = (await client.ask("slot.book", **fields, key=new_key()))["booking"]
        asked = {"slot": second, "customer": PERSON, "data": DATA, "key": new_key()}
        other = (await over_http(guest, "slot.book", asked)).body
        secrets += [key, hold["token"], booking["token"], other["booking"]["token"], "Marker-"]
        for principal in (client, staff):
            await principal.ask("booking.get", booking=booking["id"], token=booking["token"])
            await principal.ask("booking.get", booking=booking["id"], token="Marker-wrong-token")
            await principal.ask("slot.book", slot="Marker-slot", customer=PERSON, key=new_key())
            await principal.ask("Marker-request", name="Marker-name")
            await principal.ask("slot.book", slot=third, customer={**PERSON, "Marker-field": 1}, key=new_key())
        await guest.ask("GET", f"/api/bookings/{booking['id']}?token=Marker-token")
        await guest.ask("GET", "/Marker-path/marker@mail.example?Marker-query")
        await guest.ask("GET", "/api/calendars", headers={"Authorization": "Bearer Marker-token"})
        await guest.ask(
            "GET", "/api/calendars", headers={"X-Request-ID": "Marker-id\tand more", "Cookie": "Marker-c=1"}
        )
        await guest.ask("POST", f"/api/slots/{third}/bookings", raw=b'{"customer": {"name": "Marker-Name"')
        await guest.ask("GET", "/" + "Marker-long-path" * 600)
        await _talk_nonsense(server.port)
        ticket = (await api.ask("POST", "/api/tickets", {"calendars": ["room-of-marker"]})).body["ticket"]
        secrets.append(ticket)
        path = f"/api/calendars/room-of-marker/events?ticket={ticket}"
        async with aiohttp.ClientSession() as http, http.get(server.url + path) as response:
            assert response.status == 200
        await client.ask("booking.cancel", booking=booking["id"], token=booking["token"], key=new_key())
        fresh = await guest.get("/api/calendars/room-of-marker/slots")
        await eventually(lambda: viewer.have == fresh["seq"])
    return secrets


async def test_nobody_is_in_an_error(tmp_path: Path) -> None:
    """Rows that other programs have broken make errors and traces in the log, without what stands in the rows."""
    server = Server(tmp_path, "--no-demo", "--log-level", "debug", may_crash=True)
    path = server.database.removeprefix("sqlite:///")
    with server:
        token = server.command("token", "--scope", "owner").strip()
        async with Api(server.url, token) as api:
            await api.post("/api/calendars", id="room", name="Room", zone="UTC")
            slot = {"start": in_days(1), "end": in_days(1.5), "capacity": 9}
            (opened,) = (await api.post("/api/calendars/room/slots", slots=[slot]))["slots"]
            asked = {"customer": PERSON, "data": DATA, "key": new_key()}
            booked = (await api.ask("POST", f"/api/slots/{opened['id']}/bookings", asked)).body["booking"]
            codes = set()
            for change in (
                "UPDATE booking SET data = '{\"Marker-Name\": Marker' WHERE data IS NOT NULL",
                "UPDATE booking SET seats = 'Marker-Name', created_at = 'marker@mail.example', data = NULL",
                "UPDATE booking SET seats = 1, created_at = 1, status = 'Marker-Name'",
                "UPDATE booking SET status = 'confirmed', expires_at = 'Marker-Name'",
            ):
                with (
                    contextlib.closing(sqlite3.connect(path)) as database,
                    contextlib.suppress(sqlite3.Error),
                    database,
                ):
                    database.execute("PRAGMA ignore_check_constraints = ON")
                    database.execute(change)
                for name, body in (
                    (f"/api/bookings/{booked['id']}", None),
                    ("/api/bookings?q=Marker", None),
                    ("/api/customers/export", {"email": PERSON["email"]}),
                    (f"/api/bookings/{booked['id']}/confirm", {"key": new_key()}),
                ):
                    codes.add((await api.ask("POST" if body else "GET", name, body)).status)
        log = server.log
    assert 500 in codes, "something failed inside"
    assert "Traceback" in log
    for secret in [*PERSON.values(), "Marker"]:
        assert secret not in log, [line for line in log.splitlines() if secret in line][:5]


async def _talk_nonsense(port: int) -> None:
    """Return bytes that are not HTTP, with a secret-like text in them."""
    for nonsense in (b"\x16\x03\x01Marker-tls\r\n\r\n", b"GET /Marker-a b c HTTP/9.9\r\nMarker-\xff: \x00\r\n\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(nonsense)
        await asyncio.wait_for(reader.read(), 20)
        writer.close()
        await writer.wait_closed()


async def test_nobody_can_be_found(tmp_path: Path) -> None:
    """After all kinds of requests no customer is in the log or the metrics, nor in any table but the bookings."""
    with Server(tmp_path, "--no-demo", "--log-level", "debug") as server:
        token = server.command("token", "--scope", "staff").strip()
        server.command("calendar", "create", "room-of-marker", "--name", "Marker-calendar")
        secrets = await _work(server, token)
        async with Api(server.url) as api:
            metrics = (await api.ask("GET", "/metrics")).raw.decode()
        log = server.log.split("\n\n", 2)[-1]  # after the two links, which are for the operator
    assert "slot.book" in metrics
    assert "request=" in log
    for text in (log, metrics):
        for secret in secrets:
            assert secret not in text, f"{secret} in {[line for line in text.splitlines() if secret in line][:3]}"
        assert UUID.search(text) is None, UUID.search(text)
    assert "room-of-marker" not in metrics
    path = server.database.removeprefix("sqlite:///")
    with sqlite3.connect(path) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        dump = {name: repr(database.execute(f"SELECT * FROM {name}").fetchall()) for name in names}
    database.close()
    assert PERSON["name"] in dump["booking"], "it is there, where it belongs"
    for name in dump.keys() - {"booking"}:
        for secret in secrets:
            assert secret not in dump[name].replace("Marker-calendar", ""), (name, secret)
