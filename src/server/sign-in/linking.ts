import { isFirm } from "../../core/approval/index.ts";
import type { PersonId } from "../../core/brand.ts";
import type { Held, OpenLogin, Principal } from "../../engine/index.ts";
import type { DirectoryChanged } from "../../ports/people.ts";
import type { House } from "../house.ts";
import { HttpProblem } from "../problem.ts";
import { timeOf } from "../views.ts";
import { personWithEmail } from "./hints.ts";

/** A link changes who may decide: the session that makes one was opened a moment ago. */
export const LINK_SESSION_AGE_MAX_MS: number = 15 * 60_000;
/** Links that one login may be given within the window: more are no help to a human. */
export const OFFERS_MAX = 5;
const OFFERS_WINDOW_MS = 10 * 60_000;
const OFFERS_KNOWN_MAX = 10_000;

type SessionPrincipal = Extract<Principal, { kind: "session" }>;

/** When each login was offered links last, so that clicking cannot fill the ledger. By process: a bound, not a promise. */
const offers = new WeakMap<object, Map<string, readonly number[]>>();

/**
 * A one-time address for whoever has just used a login that is nobody's yet, for a channel or a sign-in to hand to exactly
 * that login. Opened in the console by somebody signed in, and confirmed there, it joins the login to that person (L3).
 * Null when this login was offered too many of them.
 */
export async function offerLink(
  house: Pick<House, "credentials" | "ctx" | "publicUrl">,
  login: OpenLogin,
): Promise<{ readonly url: string; readonly code: string; readonly expiresAt: string } | null> {
  if (!mayOffer(house, login)) return null;
  const { secret, credential } = await house.credentials.offerLink(login);
  // In the fragment, as with sign-in links: it reaches no log, no proxy and no scanner's fetch.
  const url = `${house.publicUrl}/accounts#link=${secret}`;
  return { url, code: secret, expiresAt: timeOf(credential.expiresAt) };
}

function mayOffer({ ctx, credentials }: Pick<House, "ctx" | "credentials">, { issuer, subject }: OpenLogin): boolean {
  let known = offers.get(credentials);
  if (known === undefined) offers.set(credentials, (known = new Map()));
  if (known.size >= OFFERS_KNOWN_MAX) known.clear();
  const now = ctx.clock.now();
  const key = JSON.stringify([issuer, subject]);
  const recent = (known.get(key) ?? []).filter((at) => now - at < OFFERS_WINDOW_MS);
  if (recent.length >= OFFERS_MAX) return false;
  known.set(key, [...recent, now]);
  return true;
}

/** The login that a code stands for, as it is shown before anybody confirms. */
export async function loginOfCode(house: House, who: SessionPrincipal, code: string): Promise<OpenLogin> {
  const principal = await house.credentials.check(code);
  if (principal?.kind !== "link") throw spent();
  checkIntended(house, who, principal.login);
  return principal.login;
}

/**
 * Joins the login to the person who is signed in, who has seen both names and says yes. `shown` repeats what the page
 * showed: what was shown is what is joined.
 */
export async function confirmLink(
  house: House,
  who: SessionPrincipal,
  { code, issuer, subject }: { readonly code: string; readonly issuer: string; readonly subject: string },
): Promise<DirectoryChanged> {
  const principal = await house.credentials.check(code);
  if (principal?.kind !== "link") throw spent();
  const { login, id } = principal;
  if (login.issuer !== issuer || login.subject !== subject) throw spent();
  checkIntended(house, who, login);
  await checkFirm(house, who);
  // Used up first: a change that is refused or held is asked for anew, with a login that is used anew.
  await house.credentials.revoke(id, "used");
  const account = { issuer, subject, strength: "L3" } as const;
  const evidence = `${login.evidence}; confirmed in the session ${who.id} of ${who.account.subject} at ${who.account.issuer}`;
  const editor = { kind: "person", person: who.person, assurance: who.assurance } as const;
  return house.people.change([{ step: "link", person: who.person, account, evidence }], editor);
}

/** Somebody who opens another human's link must not be able to take the login, or to be given it. */
function checkIntended(house: House, who: SessionPrincipal, { issuer, subject, email }: OpenLogin): void {
  const holder = house.people.holderOf(issuer, subject);
  if (holder !== undefined && holder.id !== who.person) {
    throw new HttpProblem({ status: 409, code: "account_taken", message: "this login is another person's already" });
  }
  const hinted = email === null ? null : personWithEmail(house.rules.current.directory.people, email);
  if (hinted !== null && hinted !== who.person) {
    const message = "this login has the address of another person of the directory; you cannot make it yours";
    throw new HttpProblem({ status: 403, code: "link_of_another", message });
  }
}

/** A session that may not review may not make a login that may; and a session left open is not its person. */
async function checkFirm({ ctx, credentials }: House, who: SessionPrincipal): Promise<void> {
  if (!isFirm(who.link)) {
    const message =
      "you are signed in with a login that is not proven itself; sign in with a firm one, or ask for a link";
    throw new HttpProblem({ status: 403, code: "link_too_weak", message });
  }
  // What another session opened is as old as that one: else any session could make itself a fresh one.
  const openedAt = who.handed === true ? 0 : ((await credentials.credential(who.id))?.createdAt ?? 0);
  if (ctx.clock.now() - openedAt >= LINK_SESSION_AGE_MAX_MS) {
    const message = "you signed in a while ago; sign in again, then confirm";
    throw new HttpProblem({ status: 403, code: "sign_in_again", message });
  }
}

/** What a session of this person through this login is worth now. */
export function heldOf(house: House, person: PersonId, login: { issuer: string; subject: string }): Held | null {
  const { issuer, subject } = login;
  const known = house.rules.current.directory.people.get(person);
  const account = known?.accounts.find((one) => one.issuer === issuer && one.subject === subject);
  return account === undefined ? null : { account: { issuer, subject }, link: account.strength, assurance: "A1" };
}

function spent(): HttpProblem {
  const message = "this link is used, expired or unknown; begin again from the login that you want to join";
  return new HttpProblem({ status: 401, code: "link_spent", message });
}
