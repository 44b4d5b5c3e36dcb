import { copyJson, type Json, type JsonObject } from "../../core/action/index.ts";
import type { Refusal, RefusalCode } from "../../core/approval/index.ts";
import type { GroupName, PersonId, RequestId } from "../../core/brand.ts";
import { encodeHex } from "../../core/encoding.ts";
import type { Chance, Clock } from "../../ports/clock.ts";
import type { DirectoryStep, People, Source } from "../../ports/people.ts";
import type { DocumentChange, Store } from "../../ports/store.ts";
import type { ScimConfig } from "./config.ts";
import { invalid, ScimError, type ScimType } from "./failure.ts";
import { patched } from "./patch.ts";
import {
  documentBody,
  membersIn,
  Records,
  SCIM_KINDS,
  textOf,
  versionOf,
  type GroupRecord,
  type UserRecord,
} from "./records.ts";
import { GROUP, GROUP_SCHEMA, MEMBERS_MAX, readResource, USER, USER_SCHEMA, type Complex } from "./shape.ts";
import { groupFor, linkSteps, personFor, putPerson } from "./steps.ts";

/** Comparisons that one request may make. */
export const EFFORT_MAX = 2_000_000;
/** UTF-16 units of one user as it is kept. */
const USER_CHARS_MAX = 65_536;

/** What the desk needs of the house. */
export type DeskParts = {
  readonly people: People;
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Whether other instances write to the same store: then it is read again for each request. */
  readonly isShared: boolean;
  /** Whether anybody but this source speaks of the person. */
  isKnownElsewhere(person: PersonId, source: Source): boolean;
  /** The request in which something of this person or group waits for an administrator. */
  heldFor(source: Source, about: PersonId | GroupName): RequestId | null;
};

/** What a client's request did to one resource. */
export type Written<R> = { readonly record: R; readonly held: RequestId | null };

const REFUSALS: Readonly<Partial<Record<RefusalCode, readonly [status: 400 | 409, type: ScimType]>>> = {
  account_taken: [409, "uniqueness"],
  directory_full: [400, "tooMany"],
  file_owned: [409, "mutability"],
};

/**
 * What one provisioning client has provisioned. Each request is one change of the directory, with the client's documents
 * in the same commit; one after the other, so that what was read is what is changed.
 */
export class ScimDesk {
  readonly config: ScimConfig;
  readonly source: Source;
  readonly #parts: DeskParts;
  #records: Promise<Records> | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(config: ScimConfig, parts: DeskParts) {
    this.config = config;
    this.source = `scim:${config.name}`;
    this.#parts = parts;
  }

  /** What it has, read from the store once where nobody else writes there. */
  records(): Promise<Records> {
    if (this.#parts.isShared) this.#records = null;
    this.#records ??= Records.read(this.#parts.store, this.config.name).catch((error: unknown) => {
      this.#records = null;
      throw error;
    });
    return this.#records;
  }

  /** In which request something of this user or group waits. */
  heldFor(record: UserRecord | GroupRecord): RequestId | null {
    return this.#parts.heldFor(this.source, "person" in record ? record.person : record.group);
  }

  createUser(body: Json): Promise<Written<UserRecord>> {
    return this.#inTurn(async (records) => {
      const resource = userResource(readResource(USER, USER_SCHEMA, body), null);
      checkUnique(records, resource, null);
      const externalId = textOf(resource, "externalId");
      const holder = externalId === "" ? undefined : this.#parts.people.holderOf(this.config.issuer, externalId);
      const person = personFor(this.config, resource, holder, this.#parts.chance);
      if (records.userFor(person) !== undefined)
        throw new ScimError(409, "uniqueness", `\`${person}\` is another user of this client already`);
      const at = this.#parts.clock.now();
      const record = { id: this.#newId(), person, created: at, modified: at, resource };
      return this.#putUser(records, record, null);
    });
  }

  replaceUser(id: string, body: Json, match: string | undefined): Promise<Written<UserRecord>> {
    return this.#changeUser(id, match, () => readResource(USER, USER_SCHEMA, body), true);
  }

  patchUser(id: string, body: Json, match: string | undefined): Promise<Written<UserRecord>> {
    const effort = { left: EFFORT_MAX };
    return this.#changeUser(id, match, ({ resource }) => patched(USER, resource, body, effort), false);
  }

  /**
   * The user goes, and with it what this client says of the person. Where somebody else speaks of them too, they stay
   * deactivated: a leaver must not come back because the client has forgotten them.
   */
  deleteUser(id: string, match: string | undefined): Promise<void> {
    return this.#inTurn(async (records) => {
      const known = found(records.users.get(id), match);
      const { person, resource } = known;
      const isKnown = this.#parts.isKnownElsewhere(person, this.source);
      const step: DirectoryStep = isKnown
        ? putPerson(this.source, person, { ...resource, active: false })
        : { step: "remove_person", source: this.source, person };
      const groups = records.groupsOf(id).map((group) => without(group, id, this.#parts.clock.now()));
      const leaves = isKnown
        ? groups.map(({ group }): DirectoryStep => ({ step: "leave", source: this.source, group, person }))
        : [];
      const documents = [
        this.#document(SCIM_KINDS.user, id, null),
        ...groups.map((g) => this.#document(SCIM_KINDS.group, g.id, g)),
      ];
      await this.#change([...leaves, step], documents);
      records.dropUser(id);
      for (const group of groups) records.putGroup(group);
    });
  }

  createGroup(body: Json): Promise<Written<GroupRecord>> {
    return this.#inTurn(async (records) => {
      const resource = readResource(GROUP, GROUP_SCHEMA, body);
      const at = this.#parts.clock.now();
      return this.#putGroup(records, { id: this.#newId(), created: at }, resource, null);
    });
  }

  replaceGroup(id: string, body: Json, match: string | undefined): Promise<Written<GroupRecord>> {
    return this.#changeGroup(id, match, () => readResource(GROUP, GROUP_SCHEMA, body));
  }

  patchGroup(id: string, body: Json, match: string | undefined): Promise<Written<GroupRecord>> {
    const effort = { left: EFFORT_MAX };
    return this.#changeGroup(id, match, ({ resource, members }) => {
      const whole = { ...resource, members: [...members].map((value) => ({ value })) };
      return patched(GROUP as Complex, whole, body, effort);
    });
  }

  deleteGroup(id: string, match: string | undefined): Promise<void> {
    return this.#inTurn(async (records) => {
      const { group } = found(records.groups.get(id), match);
      await this.#change(
        [{ step: "remove_group", source: this.source, group }],
        [this.#document(SCIM_KINDS.group, id, null)],
      );
      records.groups.delete(id);
    });
  }

  #changeUser(
    id: string,
    match: string | undefined,
    change: (known: UserRecord) => JsonObject,
    isWhole: boolean,
  ): Promise<Written<UserRecord>> {
    return this.#inTurn(async (records) => {
      const known = found(records.users.get(id), match);
      const resource = userResource(change(known), isWhole ? known : null);
      checkUnique(records, resource, id);
      const record = { ...known, resource, modified: this.#later(known) };
      return this.#putUser(records, record, known);
    });
  }

  async #putUser(records: Records, record: UserRecord, before: UserRecord | null): Promise<Written<UserRecord>> {
    const { people } = this.#parts;
    const { person, resource } = record;
    const externalId = textOf(resource, "externalId");
    const old = before === null ? "" : textOf(before.resource, "externalId");
    const holder = externalId === "" ? undefined : people.holderOf(this.config.issuer, externalId);
    if (holder !== undefined && holder.id !== person)
      throw new ScimError(409, "uniqueness", `the login of this \`externalId\` is \`${holder.id}\`'s`);
    const gone: DirectoryStep[] =
      old === "" || old === externalId ? [] : [{ step: "unlink", issuer: this.config.issuer, subject: old }];
    const steps = [
      ...gone,
      putPerson(this.source, person, resource),
      ...linkSteps(this.config, person, resource, holder),
    ];
    const held = await this.#change(steps, [this.#document(SCIM_KINDS.user, record.id, record)]);
    records.putUser(record);
    return { record, held };
  }

  #changeGroup(
    id: string,
    match: string | undefined,
    change: (known: GroupRecord) => JsonObject,
  ): Promise<Written<GroupRecord>> {
    return this.#inTurn(async (records) => {
      const known = found(records.groups.get(id), match);
      return this.#putGroup(records, known, change(known), known);
    });
  }

  async #putGroup(
    records: Records,
    { id, created }: Pick<GroupRecord, "id" | "created">,
    whole: JsonObject,
    before: GroupRecord | null,
  ): Promise<Written<GroupRecord>> {
    const group = groupFor(this.config, whole);
    const twin = [...records.groups.values()].find((one) => one.group === group && one.id !== id);
    if (twin !== undefined)
      throw new ScimError(409, "uniqueness", `\`${group}\` is another group of this client already`);
    const members = new Set(membersIn(whole));
    if (members.size > MEMBERS_MAX) throw invalid("tooMany", `a group has at most ${MEMBERS_MAX} members`);
    const people = [...members].map((member) => {
      const user = records.users.get(member);
      if (user === undefined) throw invalid("invalidValue", "a member is no user that this client has made");
      return user.person;
    });
    const { members: _, ...resource } = whole;
    const modified = before === null ? created : this.#later(before);
    const record: GroupRecord = { id, created, modified, group, members, resource };
    const renamed: DirectoryStep[] =
      before === null || before.group === group
        ? []
        : [{ step: "remove_group", source: this.source, group: before.group }];
    const put: DirectoryStep = { step: "put_group", source: this.source, group, members: people };
    const held = await this.#change([...renamed, put], [this.#document(SCIM_KINDS.group, id, record)]);
    records.putGroup(record);
    return { record, held };
  }

  async #change(steps: readonly DirectoryStep[], documents: readonly DocumentChange[]): Promise<RequestId | null> {
    const editor = { kind: "source", source: this.source } as const;
    let changed = await this.#parts.people.change(steps, editor, documents);
    // A login that stands in the operator's file stays: only the operator takes it away.
    if (
      changed.status === "refused" &&
      changed.refusal.refused === "file_owned" &&
      steps.some(({ step }) => step === "unlink")
    )
      changed = await this.#parts.people.change(
        steps.filter(({ step }) => step !== "unlink"),
        editor,
        documents,
      );
    if (changed.status === "refused") throw refused(changed.refusal);
    return changed.status === "held" ? changed.request : null;
  }

  #document(kind: string, id: string, record: UserRecord | GroupRecord | null): DocumentChange {
    return {
      kind,
      id: `${this.config.name}/${id}`,
      body: record === null ? null : documentBody(this.config.name, record),
    };
  }

  /** Never the same time twice: a version must not come back. */
  #later({ modified }: UserRecord | GroupRecord): UserRecord["modified"] {
    return Math.max(this.#parts.clock.now(), modified + 1) as UserRecord["modified"];
  }

  #newId(): string {
    const hex = encodeHex(this.#parts.chance.bytes(16));
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  #inTurn<T>(work: (records: Records) => Promise<T>): Promise<T> {
    const next = this.#turn.then(async () => work(await this.records()));
    this.#turn = next.catch(() => undefined);
    return next;
  }
}

/** What every user must have; a whole that says nothing of `active` leaves it as it was: silence re-activates nobody. */
function userResource(resource: JsonObject, replaced: UserRecord | null): JsonObject {
  if (textOf(resource, "userName").trim() === "") throw invalid("invalidValue", "a user needs a `userName`");
  const active = resource["active"] ?? replaced?.resource["active"] ?? true;
  const whole = { ...resource, active };
  if (JSON.stringify(whole).length > USER_CHARS_MAX) throw new ScimError(413, "tooMany", "this user is too large");
  return copyJson(whole) as JsonObject;
}

function checkUnique(records: Records, resource: JsonObject, id: string | null): void {
  const externalId = textOf(resource, "externalId");
  const twins: readonly (readonly [string, UserRecord | undefined])[] = [
    ["userName", records.userNamed(textOf(resource, "userName"))],
    ["externalId", externalId === "" ? undefined : records.userOf(externalId)],
  ];
  for (const [name, twin] of twins) {
    if (twin !== undefined && twin.id !== id)
      throw new ScimError(409, "uniqueness", `another user has this \`${name}\` already`);
  }
}

function found<R extends UserRecord | GroupRecord>(record: R | undefined, match: string | undefined): R {
  if (record === undefined) throw new ScimError(404, null, "there is no such resource");
  const wanted = match?.split(",").map((one) => one.trim().replace(/^W\//, "")) ?? ["*"];
  if (!wanted.includes("*") && !wanted.includes(versionOf(record).replace(/^W\//, "")))
    throw new ScimError(412, null, "the resource has changed since; read it again");
  return record;
}

function without(group: GroupRecord, member: string, at: GroupRecord["modified"]): GroupRecord {
  const members = new Set([...group.members].filter((one) => one !== member));
  return { ...group, members, modified: Math.max(at, group.modified + 1) as GroupRecord["modified"] };
}

function refused({ refused: code, because }: Refusal): ScimError {
  const [status, type] = REFUSALS[code] ?? [400, "invalidValue"];
  return new ScimError(status, type, because);
}
