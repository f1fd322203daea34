import { useState } from "react";
import { type Slot, SlotcastError, type SlotcastClient } from "slotcast-client";
import { useCalendar } from "slotcast-client/react";

const timeOf = new Intl.DateTimeFormat(undefined, {
  dateStyle: "full",
  timeStyle: "short",
});

export function FreeTimes(props: {
  readonly client: SlotcastClient;
  readonly calendar: string;
}) {
  const { client, calendar: id } = props;
  const { slots, info, status, refusal } = useCalendar(client, id);
  const [said, say] = useState("");

  async function book({ id: slot }: Slot) {
    const calendar = client.calendar(id);
    try {
      const hold = await calendar.hold(slot);
      const name = window.prompt("Your name");
      if (!name) return await calendar.release(hold);
      const booking = await calendar.book(slot, { hold, customer: { name } });
      say(`Booked: ${booking.status}`);
    } catch (error) {
      say(error instanceof SlotcastError ? error.message : String(error));
    }
  }

  if (refusal !== undefined) return <p>{refusal.message}</p>;
  const free = slots.filter((slot) => slot.bookable);
  return (
    <main>
      <h1>{info?.name ?? "…"}</h1>
      <p role="status">{status.state === "live" ? said : "Connecting …"}</p>
      <ul>
        {free.map((slot) => (
          <li key={slot.id}>
            <button type="button" onClick={() => void book(slot)}>
              {timeOf.format(new Date(slot.start))}
            </button>
          </li>
        ))}
      </ul>
    </main>
  );
}
