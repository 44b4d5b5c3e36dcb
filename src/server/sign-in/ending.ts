import type { Person } from "../../core/approval/index.ts";
import type { PersonId } from "../../core/brand.ts";
import type { Directory } from "../../ports/directory.ts";
import type { Log } from "../log.ts";
import type { House } from "../house.ts";

/**
 * Ends the sessions of whoever was deactivated or has left, and those through a login that was taken away. They are worth
 * nothing from that moment on anyway, because each use looks at the roster; ended, they stay so, and the ledger tells.
 */
export function endSessionsOfGone({ rules, credentials }: House, log: Log): void {
  rules.people.onChange(async (before, after) => {
    const lost = lostBetween(before, after);
    if (lost.people.size + lost.logins.size === 0) return;
    await credentials
      .endSessionsWhere(
        ({ person, account }) => lost.people.has(person) || lost.logins.has(keyOf(person, account)),
        "the person was deactivated or has left, or the login was unlinked",
      )
      .catch((error: unknown) => log("error", `sessions could not be ended: ${String(error)}`));
  });
}

type Lost = { readonly people: ReadonlySet<PersonId>; readonly logins: ReadonlySet<string> };

function lostBetween(before: Directory, after: Directory): Lost {
  const people = new Set<PersonId>();
  const logins = new Set<string>();
  for (const [id, old] of before.people) {
    const now = after.people.get(id);
    if (now === old) continue;
    if (now?.active !== true) people.add(id);
    else for (const login of loginsLost(old, now)) logins.add(login);
  }
  return { people, logins };
}

function loginsLost(old: Person, now: Person): readonly string[] {
  const kept = new Set(now.accounts.map((account) => keyOf(now.id, account)));
  return old.accounts.map((account) => keyOf(old.id, account)).filter((key) => !kept.has(key));
}

function keyOf(person: PersonId, { issuer, subject }: { issuer: string; subject: string }): string {
  return JSON.stringify([person, issuer, subject]);
}
