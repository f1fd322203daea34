/** A calendar to look around in: two weeks of times. "Archive" takes it away. */

import { MOST_SLOTS, newKey, SlotcastError } from "../../client";
import { dayKey, visitorZone } from "../../ui/time";
import { batchesOf, slotsOf } from "../opening/opening";
import type { StaffContext } from "../staff_context";
import { adviceFor, texts } from "../texts";

const HOURS = { minutes: 45, count: 9, capacity: 1, days: 10, isWithoutWeekends: true } as const;

export async function openDemo(
  context: StaffContext,
  show: (calendar: string) => Promise<void>,
): Promise<void> {
  const { client, toasts } = context;
  const zone = visitorZone();
  const id = `demo-${newKey()
    .slice(0, 6)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "x")}`;
  try {
    await client.mutate("calendar.create", { id, name: "Demo", zone });
    const date = dayKey(context.now() + 86_400_000, zone);
    const slots = slotsOf({ ...HOURS, date, time: "09:00" }, zone);
    for (const batch of batchesOf(slots, MOST_SLOTS))
      await client.mutate("slot.open", { calendar: id, slots: batch });
    await show(id);
    toasts.say(texts.first.isDemo, "good");
  } catch (error) {
    if (!(error instanceof SlotcastError)) throw error;
    toasts.say(adviceFor(error), "bad");
  }
}
