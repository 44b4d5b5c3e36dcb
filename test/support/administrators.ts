import type { GroupName, PersonId } from "../../src/core/brand.ts";
import type { Editor } from "../../src/ports/people.ts";
import type { Client, House } from "./house.ts";
import { at, textAt } from "./json.ts";
import { DIRECTORY, edited } from "./rules.ts";

/** Eve, fay and gil are administrators; eve and fay are of security, gil of the data owners. */
export const ADMINS: string = `${edited(DIRECTORY, "groups:\n", "groups:\n  admins: [eve, fay, gil]\n")}roles:\n  admin: [admins]\n`;
export const OWNERS: GroupName = "data-owners" as GroupName;
export const who = (id: string): PersonId => id as PersonId;
export const OPERATOR: Editor = { kind: "operator", claimed: null };

/** Whether a group in force has somebody. */
export function isIn(house: House, person: string, group = "data-owners"): Promise<boolean> {
  return house.operator.get("/v1/groups").then(({ body }) => {
    const groups = at(body, "groups") as readonly { readonly group: string; readonly members: readonly string[] }[];
    return groups.find((one) => one.group === group)?.members.includes(person) === true;
  });
}

/** Requests by which the house asks for changes that wait. */
export async function pendingOf(house: House): Promise<readonly string[]> {
  const { body } = await house.operator.get("/v1/directory/pending");
  return (at(body, "pending") as readonly { readonly request: string }[]).map(({ request }) => request);
}

/** The request by which the house asks, with the digest that a reviewer is shown. */
export async function shown(person: Client, id: string): Promise<{ readonly id: string; readonly digest: string }> {
  return { id, digest: textAt((await person.get(`/v1/requests/${id}`)).body, "digest") };
}
