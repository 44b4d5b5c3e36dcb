import { createHash } from "node:crypto";
import type { Person } from "../../core/approval/index.ts";
import type { GroupName, PersonId } from "../../core/brand.ts";
import type { Login, ProviderConfig } from "../../identity/oidc/index.ts";
import type { DirectoryStep, Source } from "../../ports/people.ts";
import type { Log } from "../log.ts";
import type { House } from "../house.ts";
import { personWithEmail } from "./hints.ts";

/** The person whose login this is, with memberships as the claims say now; null for a login of nobody. */
export async function personOf(house: House, provider: ProviderConfig, login: Login, log: Log): Promise<Person | null> {
  const known = house.people.holderOf(login.issuer, login.subject);
  const person = known ?? (provider.people === "create" ? await create(house, login) : undefined);
  if (person === undefined) return null;
  await follow(house, provider, login, person, log);
  return house.rules.current.directory.people.get(person.id) ?? null;
}

/**
 * Makes a person of a login that nobody has. The id comes from the account alone, so nobody can choose to become
 * somebody who is there; and whose address is known already may be that human with a second account, who would count twice.
 */
async function create(house: House, { provider, issuer, subject, name, email }: Login): Promise<Person | undefined> {
  const hash = createHash("sha256")
    .update(JSON.stringify([issuer, subject]))
    .digest("hex");
  const id = `${provider}-${hash.slice(0, 16)}` as PersonId;
  const { people } = house.rules.current.directory;
  if (people.has(id) || (email !== null && personWithEmail(people, email) !== null)) return undefined;
  const source: Source = `oidc:${provider}`;
  const steps: DirectoryStep[] = [
    { step: "put_person", source, person: { id, name, active: true, emails: email === null ? [] : [email] } },
    {
      step: "link",
      person: id,
      account: { issuer, subject, strength: "L3" },
      evidence: `first sign-in at ${provider}`,
    },
  ];
  const change = await house.people.change(steps, { kind: "source", source });
  return change.status === "refused" ? undefined : house.people.holderOf(issuer, subject);
}

/** Memberships that this provider vouches for follow its claims; since when, the directory remembers. */
async function follow(house: House, provider: ProviderConfig, login: Login, person: Person, log: Log): Promise<void> {
  if (provider.groups === null) return;
  const source: Source = `oidc:${provider.name}`;
  const wanted = new Set(login.groups as readonly GroupName[]);
  const present = new Set(house.people.groupsOf(source, person.id));
  const step = (kind: "join" | "leave", group: GroupName): DirectoryStep => ({
    step: kind,
    source,
    group,
    person: person.id,
  });
  const steps = [
    ...[...present].filter((group) => !wanted.has(group)).map((group) => step("leave", group)),
    ...[...wanted].filter((group) => !present.has(group)).map((group) => step("join", group)),
  ];
  if (steps.length === 0) return;
  const change = await house.people.change(steps, { kind: "source", source });
  // What cannot be followed leaves the person with less, never with more: the sign-in itself is genuine.
  if (change.status === "refused")
    log("error", `groups of a login were refused: ${change.refusal.because}`, { source });
}
