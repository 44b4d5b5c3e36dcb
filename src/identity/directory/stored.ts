import { z } from "zod";
import type { JsonObject } from "../../core/action/index.ts";
import type { GroupName, Instant, PersonId } from "../../core/brand.ts";
import type { Source } from "../../ports/people.ts";
import type { DocumentChange, StoredDocument } from "../../ports/store.ts";
import { strength, agent, delegation, groupName, instant, passkey, personId, plain, role } from "./document.ts";
import {
  accountKey,
  SOURCES_EMPTY,
  type GroupRecord,
  type Link,
  type PersonRecord,
  type Sources,
  type Statement,
} from "./sources.ts";

/** The kinds of documents that hold the directory: the file's part as a whole, and each person and group of other sources. */
export const DIRECTORY_KINDS = { file: "directory", person: "directory_person", group: "directory_group" } as const;
const FILE_ID = "file";

const source = z
  .string()
  .min(1)
  .transform((name) => name as Source);
const statement = z.strictObject({ name: z.string(), active: z.boolean(), emails: z.array(z.string()) });
const link = z.strictObject({ issuer: z.string(), subject: z.string(), strength, source, evidence: z.string() });
const members = z.array(z.tuple([personId, instant]));
const personDocument = z.strictObject({
  statements: z.array(z.tuple([source, statement])),
  links: z.array(link),
  passkeys: z.array(passkey),
});
const groupDocument = z.strictObject({ sources: z.array(z.tuple([source, members])) });
const fileDocument = z.strictObject({
  v: z.literal(2),
  people: z.array(z.strictObject({ id: personId, statement, links: z.array(link) })),
  groups: z.array(z.tuple([groupName, members])),
  agents: z.array(agent),
  delegations: z.array(delegation),
  roles: z.array(z.tuple([role, z.array(groupName)])),
  edits: z.array(z.strictObject({ person: personId, on: z.string(), until: instant })),
});

const FILE_EMPTY: z.infer<typeof fileDocument> = {
  v: 2,
  people: [],
  groups: [],
  agents: [],
  delegations: [],
  roles: [],
  edits: [],
};

/** The documents that differ between two states of the directory. */
export function documentsOf(before: Sources, after: Sources): readonly DocumentChange[] {
  const changes: DocumentChange[] = [];
  for (const [id, record] of before.people === after.people ? [] : after.people) {
    if (before.people.get(id) === record) continue;
    put(changes, DIRECTORY_KINDS.person, id, personBody(before.people.get(id)), personBody(record));
  }
  for (const [id, record] of before.people) {
    if (!after.people.has(id)) put(changes, DIRECTORY_KINDS.person, id, personBody(record), null);
  }
  for (const [name, record] of after.groups) {
    if (before.groups.get(name) === record) continue;
    put(changes, DIRECTORY_KINDS.group, name, groupBody(before.groups.get(name)), groupBody(record));
  }
  for (const [name, record] of before.groups) {
    if (!after.groups.has(name)) put(changes, DIRECTORY_KINDS.group, name, groupBody(record), null);
  }
  if (isFileTouched(before, after)) put(changes, DIRECTORY_KINDS.file, FILE_ID, null, fileBody(after));
  return changes;
}

function put(
  changes: DocumentChange[],
  kind: string,
  id: string,
  before: JsonObject | null,
  after: JsonObject | null,
): void {
  if (JSON.stringify(before) !== JSON.stringify(after)) changes.push({ kind, id, body: after });
}

/** Edits stand in the file's document, for want of a better one: they are few. */
function isFileTouched(before: Sources, after: Sources): boolean {
  const parts = ["agents", "delegations", "roles", "edits"] as const;
  if (parts.some((part) => before[part] !== after[part])) return true;
  const ofFile = (record: PersonRecord | undefined): string =>
    JSON.stringify([record?.statements.get("file"), record?.links.filter((l) => l.source === "file") ?? []]);
  return (
    differ(before.people, after.people, (old, now) => ofFile(old) !== ofFile(now)) ||
    differ(before.groups, after.groups, (old, now) => old?.get("file") !== now?.get("file"))
  );
}

/** Whether any value differs so; the very same map or value does not. */
function differ<K, V>(
  before: ReadonlyMap<K, V>,
  after: ReadonlyMap<K, V>,
  how: (old: V | undefined, now: V | undefined) => boolean,
): boolean {
  if (before === after) return false;
  for (const [key, now] of after) if (before.get(key) !== now && how(before.get(key), now)) return true;
  for (const [key, old] of before) if (!after.has(key) && how(old, undefined)) return true;
  return false;
}

function personBody(record: PersonRecord | undefined): JsonObject | null {
  if (record === undefined) return null;
  const statements = [...record.statements].filter(([from]) => from !== "file");
  const links = record.links.filter((one) => one.source !== "file");
  if (statements.length + links.length + record.passkeys.length === 0) return null;
  return plain({ statements, links, passkeys: record.passkeys });
}

function groupBody(record: GroupRecord | undefined): JsonObject | null {
  const sources = [...(record ?? [])]
    .filter(([from]) => from !== "file")
    .map(([from, all]) => [from, [...all]] as const);
  return sources.length === 0 ? null : plain({ sources });
}

function fileBody({ people, groups, agents, delegations, roles, edits }: Sources): JsonObject {
  const body = {
    v: 2,
    people: [...people.values()].flatMap(({ id, statements, links }) => {
      const said = statements.get("file");
      return said === undefined ? [] : [{ id, statement: said, links: links.filter((l) => l.source === "file") }];
    }),
    groups: [...groups].flatMap(([name, sources]) => {
      const said = sources.get("file");
      return said === undefined ? [] : [[name, [...said]]];
    }),
    agents: [...agents.values()],
    delegations,
    roles: [...roles],
    edits,
  };
  return plain(body);
}

/** Reads the directory's documents back; RangeError where one cannot be read. Null when there are none. */
export function readStored(documents: readonly StoredDocument[]): Sources | null {
  const file = documents.find(({ kind, id }) => kind === DIRECTORY_KINDS.file && id === FILE_ID);
  const others = documents.some(({ kind }) => kind === DIRECTORY_KINDS.person || kind === DIRECTORY_KINDS.group);
  if (file === undefined && !others) return null;
  const written = file === undefined ? FILE_EMPTY : read(fileDocument, file);
  const people = new Map<PersonId, PersonRecord>();
  for (const { id, statement: said, links } of written.people) {
    people.set(id, { id, statements: new Map<Source, Statement>([["file", said]]), links, passkeys: [] });
  }
  const groups = new Map<GroupName, Map<Source, ReadonlyMap<PersonId, Instant>>>();
  for (const [name, all] of written.groups) groups.set(name, new Map([["file", new Map(all)]]));
  for (const document of documents) {
    if (document.kind === DIRECTORY_KINDS.person) addPerson(people, document);
    if (document.kind === DIRECTORY_KINDS.group) addGroup(groups, document);
  }
  const holders = [...people.values()].flatMap(({ id, links }) => links.map((one) => [accountKey(one), id] as const));
  return {
    ...SOURCES_EMPTY,
    people,
    groups,
    holders: new Map(holders),
    agents: new Map(written.agents.map((one) => [one.id, one])),
    delegations: written.delegations,
    roles: new Map(written.roles),
    edits: written.edits,
  };
}

function addPerson(people: Map<PersonId, PersonRecord>, document: StoredDocument): void {
  const id = document.id as PersonId;
  const known = people.get(id);
  const { statements, links, passkeys } = read(personDocument, document);
  people.set(id, {
    id,
    statements: new Map([...(known?.statements ?? []), ...statements]),
    links: [...(known?.links ?? []), ...(links as Link[])],
    passkeys,
  });
}

function addGroup(groups: Map<GroupName, Map<Source, ReadonlyMap<PersonId, Instant>>>, document: StoredDocument): void {
  const name = document.id as GroupName;
  const sources = groups.get(name) ?? new Map<Source, ReadonlyMap<PersonId, Instant>>();
  for (const [from, all] of read(groupDocument, document).sources) sources.set(from, new Map(all));
  groups.set(name, sources);
}

function read<T>(shape: z.ZodType<T>, { kind, id, body }: StoredDocument): T {
  const parsed = shape.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new RangeError(`the stored document \`${kind}\` \`${id}\` cannot be read`, { cause: parsed.error });
}
