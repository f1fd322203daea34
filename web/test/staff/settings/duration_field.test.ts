import { expect, it } from "vitest";
import { unitOf } from "../../../src/staff/settings/duration_field";
import { info } from "../../support/make";
import { readChoices } from "../../../src/staff/settings/question_field";
import { policyFields } from "../../../src/staff/settings/policy_fields";

it("shows a time in the largest unit that is whole", () => {
  expect([0, 45, 90, 300, 5_400, 7_200, 172_800].map(unitOf)).toEqual([
    60, 1, 1, 60, 60, 3_600, 86_400,
  ]);
});

it("explains every field of a policy", () => {
  expect(
    policyFields()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(Object.keys(info.policy).sort());
  for (const { hint } of policyFields()) expect(hint.length).toBeGreaterThan(20);
});

it("reads the choices of a question from one line", () => {
  expect(readChoices(" Cat; Dog ;;")).toEqual(["Cat", "Dog"]);
  expect(readChoices("")).toEqual([]);
});
