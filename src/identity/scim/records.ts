import {
  canonicalBytes,
  copyJson,
  digest,
  isJsonList,
  isJsonObject,
  type Json,
  type JsonObject,
} from "../../core/action/index.ts";
import type { GroupName, Instant, PersonId, RequestId } from "../../core/brand.ts";
import type { Store } from "../../ports/store.ts";
import { ENTERPRISE_SCHEMA, GROUP_SCHEMA, USER_SCHEMA } from "./shape.ts";

/** The extension that says that a part of what was sent waits for an administrator, and in which request. */
export const HELD_SCHEMA = "urn:keyturn:params:scim:schemas:extension:held:1.0";
/** The kinds of documents that hold what clients sent. */
export const SCIM_KINDS = { user: "scim_user", group: "scim_group" } as const;

type Base = {
  readonly id: string;
  readonly created: Instant;
  readonly modified: Instant;
  /** What the client sent, as far as it is kept; members of groups apart. */
  readonly resource: JsonObject;
};
export type UserRecord = Base & { readonly person: PersonId };
export type GroupRecord = Base & { readonly group: GroupName; readonly members: ReadonlySet<string> };

/** All that one client has provisioned, with what it is looked up by. */
export class Records {
  readonly users: Map<string, UserRecord> = new Map();
  readonly groups: Map<string, GroupRecord> = new Map();
  readonly #byUserName = new Map<string, string>();
  readonly #byExternalId = new Map<string, string>();
  readonly #byPerson = new Map<PersonId, string>();

  /** Reads what the store has of one client. */
  static async read(store: Store, source: string): Promise<Records> {
    const records = new Records();
    for (const { body } of await store.documents(SCIM_KINDS.user)) {
      if (body["source"] === source) records.putUser(body["record"] as JsonObject & UserRecord);
    }
    for (const { body } of await store.documents(SCIM_KINDS.group)) {
      const { members, ...rest } = body["record"] as JsonObject & Omit<GroupRecord, "members">;
      if (body["source"] === source)
        records.putGroup({ ...rest, members: new Set(members as readonly string[]) } as GroupRecord);
    }
    return records;
  }

  putUser(record: UserRecord): void {
    this.dropUser(record.id);
    this.users.set(record.id, record);
    this.#byUserName.set(textOf(record.resource, "userName").toLowerCase(), record.id);
    const externalId = textOf(record.resource, "externalId");
    if (externalId !== "") this.#byExternalId.set(externalId, record.id);
    this.#byPerson.set(record.person, record.id);
  }

  dropUser(id: string): void {
    const known = this.users.get(id);
    if (known === undefined) return;
    this.users.delete(id);
    this.#byUserName.delete(textOf(known.resource, "userName").toLowerCase());
    this.#byExternalId.delete(textOf(known.resource, "externalId"));
    this.#byPerson.delete(known.person);
  }

  putGroup(record: GroupRecord): void {
    this.groups.set(record.id, record);
  }

  userNamed(userName: string): UserRecord | undefined {
    return this.users.get(this.#byUserName.get(userName.toLowerCase()) ?? "");
  }

  userOf(externalId: string): UserRecord | undefined {
    return this.users.get(this.#byExternalId.get(externalId) ?? "");
  }

  userFor(person: PersonId): UserRecord | undefined {
    return this.users.get(this.#byPerson.get(person) ?? "");
  }

  /** Groups that a user is in. */
  groupsOf(user: string): readonly GroupRecord[] {
    return [...this.groups.values()].filter(({ members }) => members.has(user));
  }
}

/** A text of a resource; empty where there is none. */
export function textOf(resource: JsonObject, name: string): string {
  const value = resource[name];
  return typeof value === "string" ? value : "";
}

/** The body of the document that keeps a record. */
export function documentBody(source: string, record: UserRecord | GroupRecord): JsonObject {
  const kept = "members" in record ? { ...record, members: [...record.members] } : record;
  return { source, record: copyJson(kept as object as Json) };
}

/** How a record is told apart from what it was before (RFC 7644 §3.14); weak, because the text may be written otherwise. */
export function versionOf(record: UserRecord | GroupRecord): string {
  const of = [record.modified, digest(canonicalBytes(copyJson(record.resource)))];
  return `W/"${digest(canonicalBytes(of)).slice("sha256:".length, "sha256:".length + 20)}"`;
}

export type Shown = { readonly base: string; readonly held: RequestId | null };

/** A user as it is answered. */
export function userShown(record: UserRecord, records: Records, shown: Shown): JsonObject {
  const groups = records.groupsOf(record.id).map((group) => ({
    value: group.id,
    $ref: `${shown.base}/Groups/${group.id}`,
    display: textOf(group.resource, "displayName"),
    type: "direct",
  }));
  const extension = isJsonObject(record.resource[ENTERPRISE_SCHEMA] ?? null) ? [ENTERPRISE_SCHEMA] : [];
  const rest = { ...record.resource, ...(groups.length === 0 ? {} : { groups }) };
  return framed("User", [USER_SCHEMA, ...extension], record, rest, shown);
}

/** A group as it is answered. */
export function groupShown(record: GroupRecord, records: Records, shown: Shown): JsonObject {
  const members = [...record.members].map((id) => {
    const user = records.users.get(id)?.resource;
    const display = user === undefined ? "" : textOf(user, "displayName") || textOf(user, "userName");
    return { value: id, $ref: `${shown.base}/Users/${id}`, type: "User", ...(display === "" ? {} : { display }) };
  });
  return framed("Group", [GROUP_SCHEMA], record, { ...record.resource, members }, shown);
}

function framed(
  resourceType: "User" | "Group",
  schemas: readonly string[],
  record: UserRecord | GroupRecord,
  rest: JsonObject,
  { base, held }: Shown,
): JsonObject {
  const meta = {
    resourceType,
    created: new Date(record.created).toISOString(),
    lastModified: new Date(record.modified).toISOString(),
    location: `${base}/${resourceType}s/${record.id}`,
    version: versionOf(record),
  };
  return {
    schemas: [...schemas, ...(held === null ? [] : [HELD_SCHEMA])],
    id: record.id,
    ...rest,
    ...(held === null ? {} : { [HELD_SCHEMA]: { request: held } }),
    meta,
  };
}

/** Only the attributes that a client asks for, or all but those that it does not want; id and schemas always (RFC 7644 §3.9). */
export function projected(resource: JsonObject, wanted: string | undefined, unwanted: string | undefined): JsonObject {
  const names = (list: string | undefined): ReadonlySet<string> =>
    new Set(
      (list ?? "")
        .split(",")
        .map((name) => (name.trim().split(/[.[]/)[0] ?? "").toLowerCase())
        .filter((name) => name !== ""),
    );
  const [only, not] = [names(wanted), names(unwanted)];
  if (only.size + not.size === 0) return resource;
  const always = new Set(["id", "schemas"]);
  const kept = Object.entries<Json>(resource).filter(([key]) => {
    const name = key.toLowerCase();
    if (always.has(name)) return true;
    return only.size > 0 ? only.has(name) || [...only].some((one) => one.startsWith(`${name}:`)) : !not.has(name);
  });
  return Object.fromEntries(kept);
}

/** Members that a resource names, each once. */
export function membersIn(resource: JsonObject): readonly string[] {
  const members = resource["members"] ?? null;
  if (!isJsonList(members)) return [];
  return [...new Set(members.flatMap((one) => (isJsonObject(one) ? [textOf(one, "value")] : [])))];
}
