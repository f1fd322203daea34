"""python client.py [url] [calendar] [book]: follows a calendar, and books its first free slot if told to."""

import asyncio
import contextlib
import json
import random
import sys
import uuid

import socketio

NAMESPACE = "/calendars"


class CalendarClient:
    """One calendar, kept by the whole rule."""

    def __init__(self, url, calendar):
        self.url, self.calendar = url, calendar
        self.slots, self.have, self.cursor = {}, -1, None
        self.is_loaded = asyncio.Event()
        # AsyncClient: the other one starts a thread for each message, and threads overtake.
        self.sio = socketio.AsyncClient()
        self.sio.on("connect", self.subscribe, namespace=NAMESPACE)  # the first time, and after each break
        self.sio.on("*", self.on_change, namespace=NAMESPACE)

    async def subscribe(self):
        fields = {"calendar": self.calendar, "after": self.cursor}
        await self.sio.emit("calendar.subscribe", fields, namespace=NAMESPACE, callback=self.on_subscribed)

    async def on_subscribed(self, answer):
        if not answer["ok"]:
            print(answer["error"], file=sys.stderr)
            if answer["error"]["retryable"]:
                asyncio.get_running_loop().call_later(1 + random.random(), asyncio.ensure_future, self.subscribe())
            return
        if answer["mode"] == "snapshot":
            self.slots = {slot["id"]: slot for slot in answer["slots"]}
        for change in answer.get("changes", ()):
            await self.on_change(change["type"], change)
        self.keep_cursor(answer)
        self.is_loaded.set()

    async def on_change(self, _type, change):
        if change["seq"] <= self.have:
            return  # applied before
        if change["prev"] > self.have:
            await self.subscribe()  # a gap
            return
        self.slots |= {slot["id"]: slot for slot in change["slots"]}
        for slot in change["removed"]:
            self.slots.pop(slot, None)
        self.keep_cursor(change)

    def keep_cursor(self, message):
        self.have, self.cursor = message["seq"], message["cursor"]
        free = sum(slot["bookable"] for slot in self.slots.values())
        print(json.dumps({"seq": self.have, "slots": len(self.slots), "free": free}), flush=True)

    async def mutate(self, name, **fields):
        """One key for all tries: a retry after a lost answer books once."""
        fields["key"], wait = str(uuid.uuid4()), 0.5
        while True:
            with contextlib.suppress(socketio.exceptions.TimeoutError, socketio.exceptions.BadNamespaceError):
                answer = await self.sio.call(name, fields, namespace=NAMESPACE, timeout=5)
                if answer["ok"]:
                    return answer
                if not answer["error"]["retryable"]:
                    raise RuntimeError(answer["error"])
            await asyncio.sleep(wait * random.random())
            wait = min(2 * wait, 15)

    async def book_first_free(self):
        await self.is_loaded.wait()
        slot = min((slot for slot in self.slots.values() if slot["bookable"]), key=lambda slot: slot["start"])
        hold = (await self.mutate("slot.hold", slot=slot["id"]))["hold"]
        proof = {"id": hold["id"], "token": hold["token"]}
        answer = await self.mutate("slot.book", slot=slot["id"], hold=proof, customer={"name": "Ada Lovelace"})
        booking = answer["booking"]  # its id and token cancel it; they belong in no log and no URL
        print(json.dumps({"booked": booking["slot"], "status": booking["status"]}), flush=True)


async def main(url="http://localhost:8080", calendar="demo", action=""):
    client = CalendarClient(url, calendar)
    await client.sio.connect(url, namespaces=[NAMESPACE], retry=True)
    if action == "book":
        await client.book_first_free()
    await client.sio.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
