import { expect, it } from "vitest";
import { answersOf } from "../../../src/staff/agenda/booking_answers";

it("reads the answers, and nothing from data of another form", () => {
  const answers = { "Which pet?": "Cat", "Why?": "", "How many?": 3 };
  expect(answersOf({ data: { answers } })).toEqual(["Which pet? Cat"]);
  for (const data of [undefined, null, "x", { answers: ["x"] }, { answers: null }, {}]) {
    expect(answersOf({ data })).toEqual([]);
  }
});
