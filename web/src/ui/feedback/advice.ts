/** Turns an error into a text for a visitor, with the next step. */

import { SlotcastError } from "../../client/error.ts";
import { type Catalog, ENGLISH } from "../../language/english.ts";

type Texts = Readonly<Record<string, string | undefined>>;

/** A newer server may have codes unknown to this page. */
export function adviceFor(error: unknown, catalog: Catalog = ENGLISH): string {
  if (!(error instanceof SlotcastError)) return catalog.unknown;
  const { rule, field } = error.details;
  const [rules, fields, errors]: readonly Texts[] = [catalog.rules, catalog.fields, catalog.errors];
  return (
    rules?.[String(rule)] ?? fields?.[String(field)] ?? errors?.[error.code] ?? catalog.unknown
  );
}
