import { digest, type Json, type JsonObject } from "../core/action/index.ts";
import { OWN_ISSUER, type LinkStrength } from "../core/approval/index.ts";
import type { AgentId, Brand, GateId, Instant, PersonId } from "../core/brand.ts";
import { encodeBase64Url } from "../core/encoding.ts";
import { formatId, ID_BYTES, type TokenId } from "../core/ids.ts";
import { sameHash } from "../core/ledger/index.ts";
import type { Assurance } from "../core/policy/index.ts";
import type { DocumentChange } from "../ports/store.ts";
import { recordChange, type ChangeType } from "./changes.ts";
import type { Context } from "./context.ts";
import { Seen, unseen } from "./seen.ts";

/** A secret as its holder keeps it: `kt_` for gates, `kto_` for operators, `kts_` for people's sessions, `ktc_` for provisioning clients. Shown once. */
export type Secret = Brand<string, "Secret">;

type Kind = "gate" | "operator" | "session" | "sign_in" | "link" | "scim";
const PREFIXES: Readonly<Record<Kind, string>> = {
  gate: "kt_",
  operator: "kto_",
  session: "kts_",
  sign_in: "ktl_",
  link: "ktj_",
  scim: "ktc_",
};
const PATTERN = /^(kt|kto|kts|ktl|ktj|ktc)_([0-9a-z]{26})_([A-Za-z0-9_-]{43})$/;

export const SESSION_TTL_MS: number = 12 * 3_600_000;
export const SIGN_IN_TTL_MS: number = 10 * 60_000;
export const TOKEN_TTL_DEFAULT_MS: number = 90 * 86_400_000;
/** A revocation by another instance is seen at the latest after this. */
const CACHE_MS = 1000;
const CACHE_MAX = 10_000;
/** Tokens of workloads are listed for a day after their end; then their entries alone tell of them. */
const RUN_KEPT_MS = 86_400_000;
/** Of those that are over, so many go with each new one. */
const RUNS_SWEPT_MAX = 50;

/**
 * What an exchanged token stands for: the run's name, the people behind it by the platform's own word (in the members of a
 * subject's claims), and the thumbprint of the key that it is bound to (RFC 9449), where it is bound to one.
 */
export type Workload = {
  readonly name: string;
  /** Which run, in the platform's own terms. */
  readonly run: string;
  readonly vouched: JsonObject;
  readonly jkt: string | null;
};

/** How an identity provider says that a session's person proved who they are. Texts are its words. */
export type SignInProof = {
  readonly provider: string;
  readonly acr: string | null;
  readonly amr: readonly string[];
  /** In seconds since the epoch. */
  readonly authTime: number | null;
  /** What the provider's logout tokens name the person and the session there. */
  readonly sub: string;
  readonly sid: string | null;
};

/** A login that was proven, and is nobody's yet. `name` and `email` are the word of whoever proved it. */
export type OpenLogin = {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  readonly email: string | null;
  /** How it was proven, in words, for the record. */
  readonly evidence: string;
};

/** What a credential lets its holder be. There is no kind that is both a machine and a person. */
export type Principal =
  | {
      readonly kind: "gate";
      readonly id: TokenId;
      readonly agent: AgentId;
      readonly gate: GateId;
      readonly holder: PersonId | null;
      readonly workload?: Workload;
    }
  | { readonly kind: "operator"; readonly id: TokenId }
  /** A provisioning client: it says who is there, and neither asks nor reviews nor administers. */
  | { readonly kind: "scim"; readonly id: TokenId; readonly source: string }
  | {
      readonly kind: "session";
      readonly id: TokenId;
      readonly person: PersonId;
      readonly account: { readonly issuer: string; readonly subject: string };
      readonly link: LinkStrength;
      readonly assurance: Assurance;
      readonly client: string;
      readonly proof?: SignInProof;
      /** Opened by a code that its person made in another session: nothing was proven anew. */
      readonly handed?: true;
    }
  /** Opens one session; like the one of `from`, where its person made it, and else on the operator's word. */
  | { readonly kind: "sign_in"; readonly id: TokenId; readonly person: PersonId; readonly from?: Held }
  /** Says that whoever brings it has just used this login. It opens nothing. */
  | { readonly kind: "link"; readonly id: TokenId; readonly login: OpenLogin };

/** What a session rests on. */
export type Held = Pick<Extract<Principal, { kind: "session" }>, "account" | "link" | "assurance" | "proof">;

export type Credential = {
  readonly principal: Principal;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
  readonly revokedAt: Instant | null;
};

type Stored = { readonly hash: string } & Credential;

const DOCUMENT = "credential";

type Needed = Pick<Context, "store" | "clock" | "chance" | "rules">;

/** Issues and checks secrets. Only their hashes are stored, so a stolen store opens nothing. */
export class Credentials {
  readonly #ctx: Needed;
  readonly #seen: Seen;
  readonly #cache = new Map<string, { stored: Stored | null; readAt: Instant }>();
  /** Tokens of workloads that this instance knows of; null until the first one is wanted. */
  #runs: { readonly id: TokenId; readonly expiresAt: Instant }[] | null = null;

  constructor(ctx: Needed) {
    this.#ctx = ctx;
    this.#seen = new Seen(ctx);
  }

  async issueGateToken(
    agent: AgentId,
    gate: GateId,
    holder: PersonId | null,
    ttlMs: number,
  ): Promise<{ secret: Secret; credential: Credential }> {
    return this.#issue("token.created", "gate", ttlMs, (id) => ({ kind: "gate", id, agent, gate, holder }));
  }

  /**
   * The token of one run of a workload, for a proof that is used up by it: null where `once` was used before. Tokens of
   * runs that are long over go at the same time, because runs are many.
   */
  async issueWorkloadToken(
    grant: { readonly agent: AgentId; readonly gate: GateId; readonly workload: Workload },
    ttlMs: number,
    once: string,
  ): Promise<{ secret: Secret; credential: Credential } | null> {
    const over = await this.#takeOver();
    const issued = await this.#issue(
      "token.created",
      "gate",
      ttlMs,
      (id) => ({ kind: "gate", id, holder: null, ...grant }),
      `workload:${once}`,
      over.map((id) => ({ kind: DOCUMENT, id, body: null })),
    );
    if (issued.recorded === "duplicate") return null;
    this.#runs?.push({ id: issued.credential.principal.id, expiresAt: issued.credential.expiresAt });
    return issued;
  }

  /** Ids of tokens of workloads that ended long ago, at most a few; they are forgotten when this has answered. */
  async #takeOver(): Promise<readonly string[]> {
    this.#runs ??= (await this.list("gate")).flatMap(({ principal, expiresAt }) =>
      principal.kind === "gate" && principal.workload !== undefined ? [{ id: principal.id, expiresAt }] : [],
    );
    const before = this.#ctx.clock.now() - RUN_KEPT_MS;
    const over = this.#runs.filter(({ expiresAt }) => expiresAt < before).slice(0, RUNS_SWEPT_MAX);
    const ids = new Set<string>(over.map(({ id }) => id));
    if (ids.size > 0) this.#runs = this.#runs.filter(({ id }) => !ids.has(id));
    return [...ids];
  }

  /** The credential of one provisioning client; `source` is its name in the settings. */
  async issueScimToken(source: string, ttlMs: number): Promise<{ secret: Secret; credential: Credential }> {
    return this.#issue("token.created", "scim", ttlMs, (id) => ({ kind: "scim", id, source }));
  }

  async issueOperatorToken(ttlMs: number): Promise<{ secret: Secret; credential: Credential }> {
    return this.#issue("token.created", "operator", ttlMs, (id) => ({ kind: "operator", id }));
  }

  /** A one-time code that opens a session for one person. */
  async offerSignIn(person: PersonId, from?: Held): Promise<{ secret: Secret; credential: Credential }> {
    const more = from === undefined ? {} : { from };
    return this.#issue("sign_in.offered", "sign_in", SIGN_IN_TTL_MS, (id) => ({
      kind: "sign_in",
      id,
      person,
      ...more,
    }));
  }

  /** A one-time code that stands for a login that was just used and is nobody's yet. */
  async offerLink(login: OpenLogin): Promise<{ secret: Secret; credential: Credential }> {
    return this.#issue("link.offered", "link", SIGN_IN_TTL_MS, (id) => ({ kind: "link", id, login }));
  }

  /** Opens a session. `once` makes it happen once per code, whoever else tries at the same moment. */
  async openSession(
    session: Omit<Extract<Principal, { kind: "session" }>, "kind" | "id">,
    once: string | null,
  ): Promise<{ secret: Secret; credential: Credential } | null> {
    const key = once === null ? undefined : `sign_in:${once}`;
    const issued = await this.#issue(
      "session.opened",
      "session",
      SESSION_TTL_MS,
      (id) => ({ kind: "session", id, ...session }),
      key,
    );
    return issued.recorded === "duplicate" ? null : issued;
  }

  /** Who holds this secret; null for anything unknown, malformed, expired, revoked or orphaned, without saying which. */
  async check(secret: string): Promise<Principal | null> {
    const match = PATTERN.exec(secret);
    if (match === null) return null;
    const [, prefix = "", id = "", chance = ""] = match;
    const stored = await this.#read(`tok_${id}`);
    const now = this.#ctx.clock.now();
    if (stored === null || stored.revokedAt !== null || now >= stored.expiresAt) return null;
    if (PREFIXES[stored.principal.kind] !== `${prefix}_`) return null;
    if (!sameHash(bytesOf(hashOf(chance)), bytesOf(stored.hash))) return null;
    const principal = this.#standing(stored.principal);
    if (principal?.kind !== "session") return principal;
    return (await this.#seen.use(principal.id, stored.createdAt)) ? principal : null;
  }

  /** Whoever left the directory, or is deactivated there, is nobody any more, whatever credential is left. */
  #standing(principal: Principal): Principal | null {
    const { people, agents } = this.#ctx.rules().directory;
    switch (principal.kind) {
      case "operator":
      case "scim":
      case "link":
        return principal;
      case "gate":
        return agents.get(principal.agent)?.active === true ? principal : null;
      case "session":
        return this.#linked(principal);
      case "sign_in":
        return people.get(principal.person)?.active === true ? principal : null;
      default:
        return principal satisfies never;
    }
  }

  /** A session is worth what its login is today: nothing when that was unlinked, and less when the link was weakened. */
  #linked(session: Extract<Principal, { kind: "session" }>): Principal | null {
    const person = this.#ctx.rules().directory.people.get(session.person);
    if (person?.active !== true) return null;
    const { issuer, subject } = session.account;
    if (issuer === OWN_ISSUER) return session;
    const account = person.accounts.find((one) => one.issuer === issuer && one.subject === subject);
    if (account === undefined) return null;
    return account.strength < session.link ? { ...session, link: account.strength } : session;
  }

  /** When a session was used last, exact to a few minutes. */
  async seenAt({ principal, createdAt }: Credential): Promise<Instant> {
    return this.#seen.at(principal.id, createdAt);
  }

  /** One credential by its id, without its secret; null where there is none. */
  async credential(id: string): Promise<Credential | null> {
    return this.#read(id);
  }

  async list(kind: Kind): Promise<readonly Credential[]> {
    const all = (await this.#ctx.store.documents(DOCUMENT)).map((document) => fromDocument(document.body));
    return all.filter((c) => c.principal.kind === kind);
  }

  /** Ends a credential at once, for a reason that is recorded; false when there is none. Ending it twice is no error. */
  async revoke(id: string, because?: string): Promise<boolean> {
    const stored = await this.#read(id, true);
    if (stored === null) return false;
    if (stored.revokedAt !== null) return true;
    const isSession = stored.principal.kind === "session";
    const type: ChangeType = isSession ? "session.closed" : "token.revoked";
    const body = toDocument({ ...stored, revokedAt: this.#ctx.clock.now() });
    await recordChange(
      this.#ctx,
      type,
      { ...asJson(stored.principal), ...(because === undefined ? {} : { because }) },
      { credential: id },
      { documents: [{ kind: DOCUMENT, id, body }, ...(isSession ? [unseen(id)] : [])] },
    );
    this.#cache.delete(id);
    return true;
  }

  /** Another instance changed it: the next look is at the store. */
  forget(id: string): void {
    this.#cache.delete(id);
  }

  /** Ends every session of somebody who was deactivated or has left, so that none wakes up again; answers how many. */
  async endSessions(person: PersonId, because = "the person was deactivated or has left"): Promise<number> {
    return this.endSessionsWhere((session) => session.person === person, because);
  }

  /** Ends the open sessions that are meant, for a reason that is recorded; answers how many. */
  async endSessionsWhere(
    isMeant: (session: Extract<Principal, { kind: "session" }>) => boolean,
    because: string,
  ): Promise<number> {
    const now = this.#ctx.clock.now();
    const open = (await this.list("session")).filter(
      ({ principal, revokedAt, expiresAt }) =>
        principal.kind === "session" && revokedAt === null && now < expiresAt && isMeant(principal),
    );
    for (const { principal } of open) await this.revoke(principal.id, because);
    return open.length;
  }

  async #issue(
    type: ChangeType,
    kind: Kind,
    ttlMs: number,
    principalOf: (id: TokenId) => Principal,
    once?: string,
    gone: readonly DocumentChange[] = [],
  ): Promise<{ secret: Secret; credential: Credential; recorded: "recorded" | "duplicate" }> {
    const id = formatId("token", this.#ctx.chance.bytes(ID_BYTES));
    const chance = encodeBase64Url(this.#ctx.chance.bytes(32));
    const createdAt = this.#ctx.clock.now();
    const principal = principalOf(id);
    const credential: Credential = { principal, createdAt, expiresAt: (createdAt + ttlMs) as Instant, revokedAt: null };
    const body = toDocument({ ...credential, hash: hashOf(chance) });
    const documents: readonly DocumentChange[] = [...gone, { kind: DOCUMENT, id, body }];
    const idempotency = once === undefined ? {} : { idempotency: { key: once, fingerprint: id, answer: {} } };
    const recorded = await recordChange(
      this.#ctx,
      type,
      { ...asJson(principal), expires_at: credential.expiresAt },
      { credential: id, kind },
      { documents, ...idempotency },
    );
    return { secret: `${PREFIXES[kind]}${id.slice("tok_".length)}_${chance}` as Secret, credential, recorded };
  }

  /** When a credential was made; null where there is none. */
  async madeAt(id: TokenId): Promise<Instant | null> {
    return (await this.#read(id))?.createdAt ?? null;
  }

  async #read(id: string, fresh = false): Promise<Stored | null> {
    const now = this.#ctx.clock.now();
    const known = this.#cache.get(id);
    if (!fresh && known !== undefined && now - known.readAt < CACHE_MS && now >= known.readAt) return known.stored;
    const document = await this.#ctx.store.document(DOCUMENT, id);
    const stored = document === null ? null : fromDocument(document.body);
    if (this.#cache.size >= CACHE_MAX) this.#cache.clear();
    // What does not exist is not remembered: guessing must not fill memory.
    if (stored !== null) this.#cache.set(id, { stored, readAt: now });
    return stored;
  }
}

const encoder = new TextEncoder();

/** SHA-256 in hex. */
function hashOf(chance: string): string {
  return digest(bytesOf(chance)).slice("sha256:".length);
}

function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

function asJson(value: object): { readonly [member: string]: Json } {
  return value as JsonObject;
}

function toDocument(stored: Stored): JsonObject {
  return asJson(stored);
}

function fromDocument(body: JsonObject): Stored {
  // Written by `toDocument` above and by nothing else.
  return body as JsonObject & Stored;
}
