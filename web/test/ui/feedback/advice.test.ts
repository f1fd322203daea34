import { expect, it } from "vitest";
import { SlotcastError } from "../../../src/client";
import { adviceFor } from "../../../src/ui/feedback/advice";

const refusal = (code: "limit_exceeded" | "bad_request", details: object) =>
  new SlotcastError({ code, message: "", retryable: false, details: { ...details } });

it("says which limit of bookings was reached", () => {
  expect(adviceFor(refusal("limit_exceeded", { rule: "max_bookings" }))).toMatch(/bookings here/);
  expect(adviceFor(refusal("limit_exceeded", { rule: "max_bookings_per_day" }))).toMatch(
    /that day/,
  );
  expect(adviceFor(refusal("limit_exceeded", { rule: "max_holds" }))).toMatch(/Let one go/);
});

it("names the field that was not accepted", () => {
  expect(adviceFor(refusal("bad_request", { field: "customer.email" }))).toMatch(/e-mail address/);
  expect(adviceFor(refusal("bad_request", { field: "seats" }))).toMatch(/not accepted/);
});
