import type { GroupRow, PendingChange, PersonDetail, PersonRow } from "../../client/index.ts";
import { visible } from "../../core/card/index.ts";
import { table } from "../table.ts";
import type { Cell } from "../table.ts";
import type { Paint } from "../terminal.ts";

/** Everybody, a line each. */
export function peopleTable(people: readonly PersonRow[], paint: Paint): string {
  const rows = people.map((person): readonly Cell[] => [
    visible(person.id),
    visible(person.name),
    person.active ? { text: "active", style: "green" } : { text: "deactivated", style: "red" },
    visible(person.groups.join(", ")),
    visible(person.roles.join(", ")),
    String(person.logins),
    String(person.passkeys),
    visible(person.sources.join(", ")),
  ]);
  return table(["id", "name", "state", "groups", "roles", "logins", "passkeys", "from"], rows, paint);
}

/** One person with all that is known. */
export function personText(person: PersonDetail, paint: Paint): string {
  const lines = [
    `${visible(person.name)} (${visible(person.id)}), ${person.active ? "active" : "deactivated"}`,
    ...(person.roles.length === 0 ? [] : [`roles: ${visible(person.roles.join(", "))}`]),
    ...(person.emails.length === 0 ? [] : [`e-mail: ${visible(person.emails.join(", "))} (may bar, never approves)`]),
  ];
  const accounts = person.accounts.map((link) => [
    link.strength,
    visible(link.subject),
    visible(link.issuer),
    visible(link.source),
    visible(link.evidence),
  ]);
  const groups = person.memberships.map(({ group, since }) => [visible(group), since]);
  const keys = person.keys.map(({ id, synced, since }) => [visible(id), synced ? "synced" : "device-bound", since]);
  return [
    `${lines.join("\n")}\n`,
    ...(groups.length === 0 ? [] : [table(["group", "since"], groups, paint)]),
    ...(accounts.length === 0 ? [] : [table(["strength", "login", "issuer", "from", "evidence"], accounts, paint)]),
    ...(keys.length === 0 ? [] : [table(["passkey", "kind", "since"], keys, paint)]),
  ].join("\n");
}

/** Groups, and which of them decide something. */
export function groupsTable(groups: readonly GroupRow[], paint: Paint): string {
  const rows = groups.map(({ group, members, decides, roles, sources }): readonly Cell[] => [
    visible(group),
    String(members.length),
    decides ? { text: "decides", style: "yellow" } : "",
    visible(roles.join(", ")),
    visible(sources.join(", ")),
    visible(members.slice(0, 8).join(", ")) + (members.length > 8 ? ", …" : ""),
  ]);
  return table(["group", "members", "", "roles", "from", "who"], rows, paint);
}

/** Changes that wait, each with the command that decides it. */
export function pendingText(pending: readonly PendingChange[]): string {
  if (pending.length === 0) return "Nothing waits.\n";
  const texts = pending.map(({ request, by, refused, changes }) => {
    const head = refused
      ? `${request}, from ${visible(by)}: refused, and not in force; take it out of the file or ask again by changing it`
      : `${request}, from ${visible(by)}: an administrator reviews it with \`keyturn review ${request}\``;
    return `${head}\n${changes.map((change) => `  ${visible(change)}\n`).join("")}`;
  });
  return texts.join("\n");
}
