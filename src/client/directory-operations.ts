import type { Json } from "../core/action/index.ts";
import type { Reader } from "./read.ts";
import { boolean, list, moment, number, object, oneOf, optional, text } from "./read.ts";
import type { Call, Transport } from "./transport.ts";

/** One person of the directory. `logins` and `passkeys` are how many. */
export type PersonRow = {
  readonly id: string;
  readonly name: string;
  readonly active: boolean;
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  readonly logins: number;
  readonly passkeys: number;
  readonly sources: readonly string[];
};

/** One login of a person, how strong the evidence is, and where it comes from. */
export type LinkRow = {
  readonly issuer: string;
  readonly subject: string;
  readonly strength: string;
  readonly source: string;
  readonly evidence: string;
};

export type PersonDetail = PersonRow & {
  readonly emails: readonly string[];
  readonly accounts: readonly LinkRow[];
  readonly keys: readonly { readonly id: string; readonly synced: boolean; readonly since: string }[];
  readonly memberships: readonly { readonly group: string; readonly since: string }[];
};

export type GroupRow = {
  readonly group: string;
  readonly members: readonly string[];
  readonly decides: boolean;
  readonly roles: readonly string[];
  readonly sources: readonly string[];
};

/** A change that waits for an administrator. `refused` stands in directory.yaml still, though people said no. */
export type PendingChange = {
  readonly request: string;
  readonly review: string;
  readonly by: string;
  readonly refused: boolean;
  readonly changes: readonly string[];
};

/** What became of a change: `held` names the request that waits. */
export type ChangeAnswer = {
  readonly status: "applied" | "held";
  readonly request?: string;
  readonly review?: string;
};

const row = {
  id: text,
  name: text,
  active: boolean,
  groups: list(text),
  roles: list(text),
  logins: number,
  passkeys: number,
  sources: list(text),
} as const;
const readPeople: Reader<{ readonly people: readonly PersonRow[] }> = object<{ people: readonly PersonRow[] }>({
  people: list(object<PersonRow>(row)),
});
const readPerson: Reader<PersonDetail> = object<PersonDetail>({
  ...row,
  emails: list(text),
  accounts: list(object<LinkRow>({ issuer: text, subject: text, strength: text, source: text, evidence: text })),
  keys: list(object<PersonDetail["keys"][number]>({ id: text, synced: boolean, since: moment })),
  memberships: list(object<PersonDetail["memberships"][number]>({ group: text, since: moment })),
});
const readGroups: Reader<{ readonly groups: readonly GroupRow[] }> = object<{ groups: readonly GroupRow[] }>({
  groups: list(
    object<GroupRow>({ group: text, members: list(text), decides: boolean, roles: list(text), sources: list(text) }),
  ),
});
const readPending: Reader<{ readonly pending: readonly PendingChange[] }> = object<{
  pending: readonly PendingChange[];
}>({
  pending: list(
    object<PendingChange>({ request: text, review: text, by: text, refused: boolean, changes: list(text) }),
  ),
});
const readAnswer: Reader<ChangeAnswer> = object<ChangeAnswer>({
  status: oneOf<ChangeAnswer["status"]>(["applied", "held"], "held"),
  request: optional(text),
  review: optional(text),
});

type Signal = { readonly signal?: AbortSignal | undefined };
type Login = { readonly issuer: string; readonly subject: string };

/** The directory, as administrators and auditors see and change it. */
export type DirectoryOperations = {
  people(options?: Signal): Promise<readonly PersonRow[]>;
  person(id: string, options?: Signal): Promise<PersonDetail>;
  groups(options?: Signal): Promise<readonly GroupRow[]>;
  pendingChanges(options?: Signal): Promise<readonly PendingChange[]>;
  addPerson(person: {
    readonly id: string;
    readonly name: string;
    readonly emails: readonly string[];
  }): Promise<ChangeAnswer>;
  setActive(id: string, active: boolean): Promise<ChangeAnswer>;
  changeMembers(
    group: string,
    change: { readonly add: readonly string[]; readonly remove: readonly string[] },
  ): Promise<ChangeAnswer>;
  /** An administrator's word: it bars, and lets nobody review. */
  link(id: string, login: Login & { readonly evidence?: string }): Promise<ChangeAnswer>;
  unlink(id: string, login: Login): Promise<ChangeAnswer>;
  /** Takes a passkey from a person at once; reviews that rest on it and are not used fall. */
  revokePasskey(person: string, key: string): Promise<ChangeAnswer>;
};

export function directoryOperations(transport: Transport): DirectoryOperations {
  const get = (path: string, { signal }: Signal = {}): Call => ({ method: "GET", path, idempotent: true, signal });
  const post = async (path: string, body: Json): Promise<ChangeAnswer> =>
    readAnswer(await transport.json({ method: "POST", path, body, idempotent: false }), "");
  const at = (kind: "people" | "groups", id: string): string => `/v1/${kind}/${encodeURIComponent(id)}`;
  return {
    people: async (options) => readPeople(await transport.json(get("/v1/people", options)), "").people,
    person: async (id, options) => readPerson(await transport.json(get(at("people", id), options)), ""),
    groups: async (options) => readGroups(await transport.json(get("/v1/groups", options)), "").groups,
    pendingChanges: async (options) =>
      readPending(await transport.json(get("/v1/directory/pending", options)), "").pending,
    addPerson: (person) => post("/v1/people", person),
    setActive: (id, active) => post(`${at("people", id)}/active`, { active }),
    changeMembers: (group, change) => post(`${at("groups", group)}/members`, change),
    link: (id, login) => post(`${at("people", id)}/links`, login),
    unlink: (id, login) => post(`${at("people", id)}/unlink`, login),
    revokePasskey: (id, key) => post(`${at("people", id)}/passkeys/${encodeURIComponent(key)}/revoke`, {}),
  };
}
