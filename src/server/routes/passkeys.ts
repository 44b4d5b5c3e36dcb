import type { ZodType } from "zod";
import type { Instant, PersonId } from "../../core/brand.ts";
import { encodeBase64Url } from "../../core/encoding.ts";
import { parseId } from "../../core/ids.ts";
import { enrolmentOptions, relyingPartyOf, verifyEnrolment } from "../../identity/passkey/index.ts";
import type { Passkey, Person } from "../../ports/directory.ts";
import type { SessionPrincipal } from "../principals.ts";
import type { House } from "../house.ts";
import { counterDocument, Offers } from "../passkeys/offers.ts";
import { offerStatement, partyOf, vouchedBy } from "../passkeys/signed.ts";
import { HttpProblem } from "../problem.ts";
import type { Routes } from "../route.ts";
import { ChallengeBody, Empty, EnrolmentBody } from "../schemas.ts";
import { timeOf } from "../views.ts";
import { editorOf, toldOf } from "./directory.ts";

/** How long after signing in a passkey may be enrolled or revoked, in milliseconds: whoever finds an open session does neither. */
export const ENROL_WITHIN_MS = 600_000;

/** Passkeys: enrol, list, revoke, and ask for the statement that one signs. */
export function passkeyRoutes(routes: Routes, house: House): void {
  ownRoutes(routes, house);
  routes.add({
    method: "POST",
    url: "/v1/people/:id/passkeys/:key/revoke",
    access: "admin",
    summary: "Revoke a person's passkey at once: reviews that rest on it fall",
    body: Empty,
    handler: async ({ who, params }) => {
      const person = house.rules.current.directory.people.get((params["id"] ?? "") as PersonId);
      return revoke(house, person, params["key"] ?? "", editorOf(who));
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/requests/:id/reviews/challenge",
    access: "person",
    summary: "The statement of a decision, to be signed with a passkey and sent with the review",
    body: ChallengeBody,
    handler: async ({ who, params, body }) => offerStatement(house, who, parseId("request", params["id"]), body),
  });
}

function ownRoutes(routes: Routes, house: House): void {
  routes.add({
    method: "GET",
    url: "/v1/me/passkeys",
    access: "person",
    summary: "Your passkeys, and whether you may enrol another one now",
    handler: async ({ who }) => {
      const refusal = await unfit(house, who);
      return { passkeys: personOf(house, who).passkeys.map(rowOf), can_enrol: refusal === null, because: refusal };
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/me/passkeys/challenge",
    access: "person",
    summary: "What the browser needs to make a passkey; only shortly after signing in",
    body: Empty,
    handler: async ({ who }) => {
      const party = partyOf(house);
      await assertFresh(house, who);
      const { id, name, passkeys } = personOf(house, who);
      const challenge = encodeBase64Url(house.ctx.chance.bytes(32));
      await new Offers(house.ctx).offerEnrolment(who.person, who.id, challenge);
      // No name of a person: authenticators keep the handle, and it is shown to nobody (WebAuthn §14.6.1).
      const handle = Buffer.from(id).toString("base64url");
      return { options: enrolmentOptions(party, { handle, id, name }, challenge, passkeys) };
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/me/passkeys",
    access: "person",
    summary: "Enrol the passkey that the browser made",
    body: EnrolmentBody,
    handler: async ({ who, body }) => enrol(house, who, body),
  });
  routes.add({
    method: "POST",
    url: "/v1/me/passkeys/:key/revoke",
    access: "person",
    summary: "Revoke one of your passkeys at once; only shortly after signing in",
    body: Empty,
    handler: async ({ who, params }) => {
      // Else whoever finds an open session takes the key away first, and then approves with a click.
      await assertFresh(house, who);
      return revoke(house, personOf(house, who), params["key"] ?? "", editorOf(who));
    },
  });
}

type Made = typeof EnrolmentBody extends ZodType<infer B> ? B : never;

async function enrol(house: House, who: SessionPrincipal, body: Made): Promise<object> {
  const party = partyOf(house);
  await assertFresh(house, who);
  const offer = await new Offers(house.ctx).takenEnrolment(who.person, who.id);
  if (offer === null) throw unusable("nothing was asked for in this session, or its time is over; start again");
  const made = {
    credential: body.credential,
    clientDataJSON: body.client_data_json,
    attestationObject: body.attestation_object,
  };
  const enrolled = await verifyEnrolment(made, party, offer.challenge);
  if ("fault" in enrolled) throw unusable(enrolled.fault);
  const passkey: Passkey = { ...enrolled.passkey, since: house.ctx.clock.now() };
  if (holderOf(house, passkey.id) !== undefined) throw unusable("this passkey is enrolled already");
  const step = { step: "enrol_passkey", person: who.person, passkey } as const;
  const vouched = body.vouch === undefined ? null : await vouchedBy(house, who, body, body.vouch);
  if (vouched !== null && "fault" in vouched) throw unusable(vouched.fault);
  const counter = counterDocument(passkey.id, enrolled.counter);
  const documents = [offer.document, counter, ...(vouched?.documents ?? [])];
  const editor = editorOf(vouched === null ? who : { ...who, assurance: "A3" });
  const change = await house.people.change([step], editor, documents);
  return { ...toldOf(house, change), passkey: rowOf(passkey) };
}

async function revoke(
  house: House,
  person: Person | undefined,
  key: string,
  editor: ReturnType<typeof editorOf>,
): Promise<object> {
  if (person?.passkeys.some(({ id }) => id === key) !== true) {
    throw new HttpProblem({ status: 404, code: "passkey_unknown", message: "there is no such passkey" });
  }
  const step = { step: "revoke_passkey", person: person.id, passkey: key } as const;
  return toldOf(house, await house.people.change([step], editor));
}

/** A session that is old, or was not opened by its person's own proof a moment ago, enrols nothing. */
async function unfit(house: House, who: SessionPrincipal): Promise<string | null> {
  if (relyingPartyOf(house.publicUrl) === null) {
    return "Passkeys need a name and TLS: this server is reached by an address where browsers offer none.";
  }
  const since = provenAt(who, (await house.credentials.madeAt(who.id)) ?? (0 as Instant));
  const isFresh = house.ctx.clock.now() < since + ENROL_WITHIN_MS;
  return isFresh ? null : "You signed in more than ten minutes ago. Sign in again to enrol or revoke a passkey.";
}

/** When the person last proved to be it: at the identity provider where there is one, else when the link was used. */
function provenAt({ proof, handed }: SessionPrincipal, openedAt: Instant): number {
  const authTime = proof?.authTime ?? null;
  if (authTime !== null) return Math.min(openedAt, authTime * 1000);
  // Else any session could make itself a fresh one.
  return handed === true ? 0 : openedAt;
}

async function assertFresh(house: House, who: SessionPrincipal): Promise<void> {
  const message = await unfit(house, who);
  if (message !== null) throw new HttpProblem({ status: 403, code: "session_too_old", message });
}

function unusable(because: string): HttpProblem {
  return new HttpProblem({
    status: 400,
    code: "passkey_unusable",
    message: `this passkey was not enrolled: ${because}`,
  });
}

function personOf({ rules }: House, who: SessionPrincipal): Person {
  const person = rules.current.directory.people.get(who.person);
  if (person !== undefined) return person;
  throw new HttpProblem({ status: 403, code: "person_unknown", message: "you are not in the directory" });
}

function holderOf({ rules }: House, key: string): Person | undefined {
  return [...rules.current.directory.people.values()].find(({ passkeys }) => passkeys.some(({ id }) => id === key));
}

function rowOf({ id, synced, since }: Passkey): object {
  return { id, synced, since: timeOf(since) };
}
