import { canonicalize, isJsonList, isJsonObject } from "../../core/action/index.ts";
import type { Json, JsonObject } from "../../core/action/index.ts";

/**
 * The parameters to run with, out of the stricter ones that the server answered: wherever it left a part as it was told,
 * the caller's own value stands, so that what was withheld as a secret is there again. What was changed is as it says.
 */
export function restored(changed: Json, told: Json, own: Json): Json {
  if (canonicalize(changed) === canonicalize(told)) return own;
  if (isJsonObject(changed) && isJsonObject(told) && isJsonObject(own)) {
    const from: JsonObject = told;
    const mine: JsonObject = own;
    return Object.fromEntries(
      Object.entries(changed).map(([name, value]): [string, Json] => {
        const [before, kept] = [from[name], mine[name]];
        const isKnown = Object.hasOwn(from, name) && Object.hasOwn(mine, name);
        return [name, isKnown && before !== undefined && kept !== undefined ? restored(value, before, kept) : value];
      }),
    );
  }
  if (isJsonList(changed) && isJsonList(told) && isJsonList(own) && changed.length === told.length) {
    return changed.map((value, index) => restored(value, told[index] ?? null, own[index] ?? null));
  }
  return changed;
}
