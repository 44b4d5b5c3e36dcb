import { isJsonList } from "../core/action/index.ts";
import type { Json } from "../core/action/index.ts";
import { ShapeError, booleanAt, listAt, numberAt, textAt, textsAt } from "./shapes.ts";

/** The people of a directory as an entry of the ledger shows it, with what eligibility depends on. */
export type Roster = {
  readonly active: ReadonlySet<string>;
  /** Since when somebody is in a group, by group and person. */
  readonly since: ReadonlyMap<string, number>;
  /** Owners and deployers of an agent. */
  readonly behind: ReadonlyMap<string, readonly string[]>;
};

/** Reads the `directory` of a `directory.changed` payload. */
export function readRoster(directory: Json): Roster {
  const members = listAt(directory, "groups").flatMap((group) => listAt(group, "members"));
  return {
    active: new Set(
      listAt(directory, "people").flatMap((person) => (booleanAt(person, "active") ? [textAt(person, "id")] : [])),
    ),
    since: new Map(
      members.map((member) => [place(textAt(member, "group"), textAt(member, "person")), numberAt(member, "since")]),
    ),
    behind: new Map(
      listAt(directory, "agents").map((agent) => [
        textAt(agent, "id"),
        [...textsAt(agent, "owners"), ...textsAt(agent, "deployers")],
      ]),
    ),
  };
}

/** Somebody who approves something: for these groups, an action of this agent, asked for at a time. */
export type Approver = {
  readonly person: string;
  readonly groups: readonly string[];
  readonly agent: string | null;
  readonly openedAt: number;
};

/** Why a roster does not let somebody approve, or null. */
export function faultOfApprover(roster: Roster, { person, groups, agent, openedAt }: Approver): string | null {
  if (!roster.active.has(person)) return `\`${person}\` is no active person of the directory in force`;
  if (agent !== null && roster.behind.get(agent)?.includes(person) === true) {
    return `\`${person}\` stands behind the agent by the directory in force`;
  }
  for (const group of groups) {
    const since = roster.since.get(place(group, person));
    if (since === undefined) return `\`${person}\` is not in \`${group}\` by the directory in force`;
    if (since > openedAt) return `\`${person}\` came into \`${group}\` after the request was opened`;
  }
  return null;
}

/** Whom a roster puts behind an agent, and a request does not bar. */
export function missingBars(roster: Roster, agent: string, barred: ReadonlySet<string>): readonly string[] {
  return (roster.behind.get(agent) ?? []).filter((person) => !barred.has(person));
}

/** A roster as it is kept between two verifications. */
export function dumpRoster({ active, since, behind }: Roster): Json {
  return { active: [...active], since: [...since], behind: [...behind] };
}

/** Reads what `dumpRoster` wrote. */
export function restoreRoster(json: Json): Roster {
  const pairs = (name: string): readonly (readonly [string, Json])[] =>
    listAt(json, name).map((pair) => {
      const [key, value] = isJsonList(pair) ? pair : [];
      if (typeof key !== "string" || value === undefined) throw new ShapeError(`\`${name}\` is not a list of pairs`);
      return [key, value];
    });
  return {
    active: new Set(textsAt(json, "active")),
    since: new Map(pairs("since").map(([key, value]) => [key, Number(value)])),
    behind: new Map(pairs("behind").map(([key, value]) => [key, isJsonList(value) ? value.map(String) : []])),
  };
}

function place(group: string, person: string): string {
  return `${group.length} ${group} ${person}`;
}
