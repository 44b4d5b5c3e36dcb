import type { Json, JsonObject } from "../../core/action/index.ts";
import { EFFORT_MAX, type ScimDesk } from "./desk.ts";
import { invalid } from "./failure.ts";
import { equalOnly, fits, parseFilter, type Filter } from "./filter.ts";
import { groupShown, projected, userShown, type GroupRecord, type Records, type UserRecord } from "./records.ts";

export const LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/** Resources of one page. */
export const COUNT_MAX = 200;
const COUNT_DEFAULT = 100;

/** What a list is asked by (RFC 7644 §3.4.2). */
export type Query = Readonly<
  Partial<Record<"filter" | "startIndex" | "count" | "attributes" | "excludedAttributes", string | undefined>>
>;

/** A page of users or groups, oldest first. */
export async function search(
  desk: ScimDesk,
  kind: "Users" | "Groups",
  query: Query,
  base: string,
): Promise<JsonObject> {
  const records = await desk.records();
  const filter = query.filter === undefined || query.filter === "" ? null : parseFilter(query.filter);
  const start = Math.max(1, whole(query.startIndex, "startIndex", 1));
  const count = Math.min(COUNT_MAX, Math.max(0, whole(query.count, "count", COUNT_DEFAULT)));
  const effort = { left: EFFORT_MAX };
  const show = (record: UserRecord | GroupRecord): JsonObject => shown(desk, records, record, base);
  const matching = candidates(records, kind, filter).filter(
    (record) => filter === null || fits(filter, plain(record, records), effort),
  );
  const page = matching.slice(start - 1, start - 1 + count);
  return {
    schemas: [LIST_SCHEMA],
    totalResults: matching.length,
    startIndex: start,
    itemsPerPage: page.length,
    Resources: page.map((record) => projected(show(record), query.attributes, query.excludedAttributes)),
  };
}

/** One resource as it is answered. */
export function shown(desk: ScimDesk, records: Records, record: UserRecord | GroupRecord, base: string): JsonObject {
  const how = { base, held: desk.heldFor(record) };
  return "members" in record ? groupShown(record, records, how) : userShown(record, records, how);
}

/** Clients look users up by one name before each change: that must not look at all of them. */
function candidates(
  records: Records,
  kind: "Users" | "Groups",
  filter: Filter | null,
): readonly (UserRecord | GroupRecord)[] {
  const equal = filter === null ? null : equalOnly(filter);
  if (kind === "Groups") return [...records.groups.values()];
  switch (equal?.name) {
    case "username":
      return [records.userNamed(equal.text)].filter((one) => one !== undefined);
    case "externalid":
      return [records.userOf(equal.text)].filter((one) => one !== undefined);
    case "id":
      return [records.users.get(equal.text)].filter((one) => one !== undefined);
    default:
      return [...records.users.values()];
  }
}

/** What filters look at. */
function plain(record: UserRecord | GroupRecord, records: Records): Json {
  const { id, created, modified, resource } = record;
  const meta = { created: new Date(created).toISOString(), lastModified: new Date(modified).toISOString() };
  if ("members" in record) return { ...resource, id, meta, members: [...record.members].map((value) => ({ value })) };
  const groups = records.groups.size === 0 ? [] : records.groupsOf(id).map(({ id: value }) => ({ value }));
  return { ...resource, id, meta, groups };
}

function whole(text: string | undefined, name: string, fallback: number): number {
  if (text === undefined) return fallback;
  if (!/^-?\d{1,9}$/.test(text)) throw invalid("invalidValue", `\`${name}\` is a whole number`);
  return Number(text);
}
