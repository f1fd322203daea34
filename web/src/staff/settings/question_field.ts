/** The questions of a calendar to its customers: a text each, whether it needs an answer, and the
 * choices. */

import type { Question } from "../../client";
import { h } from "../../ui/dom";
import { checkbox } from "../../ui/field";
import { ListField } from "../schedule/list_field";
import { texts } from "../texts";

/** Reads the choices of one line: `Cat; Dog`. */
export const readChoices = (text: string): readonly string[] =>
  text
    .split(";")
    .map((choice) => choice.trim())
    .filter((choice) => choice !== "");

export function questionField(value: readonly Question[], legend: string) {
  const field = new ListField<Question>({
    legend,
    none: texts.settings.noQuestions,
    add: texts.settings.addQuestion,
    fresh: () => ({ label: "", required: false, choices: [] }),
    entry: ({ label, required, choices }) => {
      const text = h("input", {
        name: "question",
        required: true,
        maxlength: 120,
        placeholder: texts.settings.question,
        "aria-label": texts.settings.question,
      });
      text.value = label;
      const needed = h("input", { type: "checkbox", name: "question_required" });
      needed.checked = required;
      const options = h("input", {
        name: "question_choices",
        placeholder: texts.settings.choices,
        "aria-label": texts.settings.choicesLabel,
      });
      options.value = choices.join("; ");
      return {
        controls: [text, checkbox(needed, texts.settings.needed), options],
        read: () => ({
          label: text.value.trim(),
          required: needed.checked,
          choices: readChoices(options.value),
        }),
      };
    },
    name: ({ label }) => label,
    changed: () => {},
  });
  field.value = value;
  return field;
}
