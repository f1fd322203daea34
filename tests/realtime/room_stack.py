"""A service with one calendar and its rooms, without a server; and a connection that keeps its messages."""

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec

from models.contract.commands.bookings import BookSlot, Person
from models.contract.commands.calendars import CreateCalendar
from models.contract.commands.command import Answer
from models.contract.commands.slots import NewSlot, OpenSlots, UpdateSlot
from models.contract.principal import OPERATOR, Principal, Role
from models.contract.values.time import DAY, HOUR, system_clock
from models.service import SlotService
from realtime.access.auth import Auth
from realtime.access.credentials import Credentials
from realtime.async_service import AsyncService
from realtime.engine import ConnectionWriter, Counters, Limits, Packet
from realtime.requests.access_parts import AccessParts
from realtime.requests.request_handler import RequestHandler
from realtime.requests.snapshot_read import SnapshotReader
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.recovery import Joined, Recovery
from realtime.rooms.replica.text import ReplicaText
from realtime.rooms.subscriber import Audience, Subscriber
from tests.support import new_key

GUEST = Principal(address="192.0.2.1")


def _lines(packet: Packet) -> bytes:
    return b"".join([event.payload + b"\n" for event in packet.events])


class RecordingConnection(ConnectionWriter):
    """A connection that keeps its messages, in order."""

    def __init__(self) -> None:
        super().__init__(Limits(), Counters(), "192.0.2.1")
        self.format = _lines
        self.writes: list[bytes] = []
        self.is_open = True

    def put(self, data: bytes) -> None:
        self.writes.append(data)

    @property
    def seqs(self) -> list[int]:
        return [change["seq"] for change in self.changes]

    @property
    def changes(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(line) for data in self.writes for line in data.splitlines()]


class RoomStack:
    """A service with one calendar, and the path from its commits to the rooms."""

    def __init__(self, database: str) -> None:
        self.sync = SlotService(database, b"a secret of the tests, long enough for HS256", synchronous="normal")
        self.sync.open()
        self.service = AsyncService(self.sync, lambda rows: self.dispatcher.on_rows(rows))  # noqa: PLW0108 - made in the next line
        self.dispatcher = Dispatcher(self.service)
        text = ReplicaText(system_clock)
        self.recovery = Recovery(self.service, self.dispatcher, text, system_clock)
        self.snapshots = SnapshotReader(self.service, self.dispatcher, text, system_clock)
        credentials = Credentials(system_clock)
        auth = Auth(secrets.token_bytes(32), system_clock, credentials)
        access = AccessParts(self.service, auth, credentials, system_clock, session_seconds=60)
        self.request_handler = RequestHandler(self.service, self.dispatcher, system_clock, access.handler)
        self.dispatcher.start()
        self.slot = ""
        self._changes = 0

    async def open(self) -> None:
        await self.service.run(CreateCalendar(principal=OPERATOR, calendar="room", name="Room", zone="UTC"))
        (self.slot,) = await self.open_slots([1])

    async def open_slots(self, days: Sequence[float], *, capacity: int = 1) -> list[str]:
        """Opens slots of an hour, each so many days from now; their ids."""
        starts = [system_clock() + int(day * DAY) for day in days]
        slots = tuple(NewSlot(start=start, end=start + HOUR, capacity=capacity) for start in starts)
        answer = await self.service.run(OpenSlots(principal=OPERATOR, key=new_key(), calendar="room", slots=slots))
        return [slot["id"] for slot in msgspec.json.decode(answer.result)["slots"]]

    async def reserve(self, slot: str) -> Answer:
        """Books a seat in the slot."""
        return await self.service.run(
            BookSlot(principal=OPERATOR, key=new_key(), slot=slot, customer=Person(name="Ada"))
        )

    async def change(self) -> int:
        """Changes the slot's data; the seq of the change."""
        self._changes += 1
        command = UpdateSlot(principal=OPERATOR, slot=self.slot, data=str(self._changes).encode())
        return (await self.service.run(command)).seq

    async def join(
        self,
        connection: RecordingConnection,
        after: str | None = None,
        principal: Principal = GUEST,
        begin: str | None = None,
    ) -> tuple[Subscriber, Joined]:
        """Subscribe the connection, with a client's `after` and `from`."""
        audience = Audience.STAFF if (principal.role >= Role.STAFF) else Audience.PUBLIC
        subscriber = Subscriber("room", connection, audience, principal)
        return subscriber, await self.recovery.join(subscriber, self.recovery.wanted(after, begin, None))

    async def close(self) -> None:
        await self.dispatcher.close()
        await self.service.close()
