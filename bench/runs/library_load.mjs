// Customers with the client library, each with a connection of its own: one after the other they hold a slot and book it.
//   node library_load.mjs <url> <calendar> <file of the client library> <file of slots> <clients>
// The slots are of another calendar: the changes of all bookings to all clients would take more than this process's core.
// A line {"rate": n, "seconds": n} on stdin starts so many customers a second. It is answered with what they saw.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [url, calendar, libraryFile, slotsFile, count] = process.argv.slice(2);
const { connect } = await import(pathToFileURL(libraryFile).href);
const slots = readFileSync(slotsFile, "utf8").trim().split("\n");
const customer = { name: "Ada Lovelace", email: "ada@example.org" };
const clients = Array.from({ length: Number(count) }, () => connect(url, { storage: null }));
const calendars = clients.map((client) => client.calendar(calendar));
const tell = (saw) => console.log(JSON.stringify(saw));
const quantile = (sorted, part) => sorted[Math.floor(part * (sorted.length - 1))] ?? 0;

/** A customer takes the next client, holds a slot and books it. The library repeats what is refused. */
async function visit(number, seen) {
  const own = calendars[number % calendars.length];
  const slot = slots[Math.floor(Math.random() * slots.length)];
  const came = performance.now();
  try {
    const hold = await own.hold(slot);
    const began = performance.now();
    await own.book(slot, { hold, customer });
    seen.confirmed_ms.push(performance.now() - began);
    seen.visit_ms.push(performance.now() - came);
  } catch (error) {
    seen.failed[error.code] = (seen.failed[error.code] ?? 0) + 1;
  }
}

async function run({ rate, seconds }) {
  const seen = { confirmed_ms: [], visit_ms: [], failed: {} };
  const visits = [];
  const began = performance.now();
  while (performance.now() - began < seconds * 1_000) {
    while (visits.length < ((performance.now() - began) / 1_000) * rate) visits.push(visit(visits.length, seen));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const lasted = (performance.now() - began) / 1_000;
  const confirmed_in_time = seen.confirmed_ms.length;
  await Promise.all(visits);
  const visits_ms = seen.visit_ms.sort((a, b) => a - b);
  const sorted = seen.confirmed_ms.sort((a, b) => a - b);
  tell({
    ...{ visits: visits.length, seconds: lasted, confirmed: sorted.length, confirmed_in_time, failed: seen.failed },
    ...{ visit_p50_ms: quantile(visits_ms, 0.5), visit_p99_ms: quantile(visits_ms, 0.99) },
    ...{ confirm_p50_ms: quantile(sorted, 0.5), confirm_p99_ms: quantile(sorted, 0.99) },
  });
}

await Promise.all(calendars.map((each) => new Promise((resolve) => each.subscribe(() => each.cursor && resolve()))));
tell({ ready: clients.length });
createInterface({ input: process.stdin }).on("line", (line) => run(JSON.parse(line)));
