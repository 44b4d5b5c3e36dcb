import { digest, type Json, type JsonObject } from "../core/action/index.ts";
import type { LinkStrength } from "../core/approval/index.ts";
import type { AgentId, Brand, GateId, Instant, PersonId } from "../core/brand.ts";
import { encodeBase64Url } from "../core/encoding.ts";
import { formatId, ID_BYTES, type TokenId } from "../core/ids.ts";
import { sameHash } from "../core/ledger/index.ts";
import type { Assurance } from "../core/policy/index.ts";
import { recordChange, type ChangeType } from "./changes.ts";
import type { Context } from "./context.ts";

/** A secret as its holder keeps it: `kt_` for gates, `kto_` for operators, `kts_` for people's sessions. Shown once. */
export type Secret = Brand<string, "Secret">;

type Kind = "gate" | "operator" | "session" | "sign_in";
const PREFIXES: Readonly<Record<Kind, string>> = { gate: "kt_", operator: "kto_", session: "kts_", sign_in: "ktl_" };
const PATTERN = /^(kt|kto|kts|ktl)_([0-9a-z]{26})_([A-Za-z0-9_-]{43})$/;

export const SESSION_TTL_MS: number = 12 * 3_600_000;
export const SIGN_IN_TTL_MS: number = 10 * 60_000;
export const TOKEN_TTL_DEFAULT_MS: number = 90 * 86_400_000;
/** A revocation by another instance is seen at the latest after this. */
const CACHE_MS = 1000;
const CACHE_MAX = 10_000;

/** What a credential lets its holder be. There is no kind that is both a machine and a person. */
export type Principal =
  | {
      readonly kind: "gate";
      readonly id: TokenId;
      readonly agent: AgentId;
      readonly gate: GateId;
      readonly holder: PersonId | null;
    }
  | { readonly kind: "operator"; readonly id: TokenId }
  | {
      readonly kind: "session";
      readonly id: TokenId;
      readonly person: PersonId;
      readonly account: { readonly issuer: string; readonly subject: string };
      readonly link: LinkStrength;
      readonly assurance: Assurance;
      readonly client: string;
    }
  | { readonly kind: "sign_in"; readonly id: TokenId; readonly person: PersonId };

export type Credential = {
  readonly principal: Principal;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
  readonly revokedAt: Instant | null;
};

type Stored = { readonly hash: string } & Credential;

const DOCUMENT = "credential";

/** Issues and checks secrets. Only their hashes are stored, so a stolen store opens nothing. */
export class Credentials {
  readonly #ctx: Context;
  readonly #cache = new Map<string, { stored: Stored | null; readAt: Instant }>();

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  async issueGateToken(
    agent: AgentId,
    gate: GateId,
    holder: PersonId | null,
    ttlMs: number,
  ): Promise<{ secret: Secret; credential: Credential }> {
    return this.#issue("token.created", "gate", ttlMs, (id) => ({ kind: "gate", id, agent, gate, holder }));
  }

  async issueOperatorToken(ttlMs: number): Promise<{ secret: Secret; credential: Credential }> {
    return this.#issue("token.created", "operator", ttlMs, (id) => ({ kind: "operator", id }));
  }

  /** A one-time code that opens a session for one person. */
  async offerSignIn(person: PersonId): Promise<{ secret: Secret; credential: Credential }> {
    return this.#issue("sign_in.offered", "sign_in", SIGN_IN_TTL_MS, (id) => ({ kind: "sign_in", id, person }));
  }

  /** Opens a session. `once` makes it happen once per code, whoever else tries at the same moment. */
  async openSession(
    session: Omit<Extract<Principal, { kind: "session" }>, "kind" | "id">,
    once: TokenId | null,
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
    return this.#stands(stored.principal) ? stored.principal : null;
  }

  /** Whoever left the directory, or is deactivated there, is nobody any more, whatever credential is left. */
  #stands(principal: Principal): boolean {
    const { people, agents } = this.#ctx.rules().directory;
    switch (principal.kind) {
      case "operator":
        return true;
      case "gate":
        return agents.get(principal.agent)?.active === true;
      case "session":
      case "sign_in":
        return people.get(principal.person)?.active === true;
      default:
        return principal satisfies never;
    }
  }

  async list(kind: Kind): Promise<readonly Credential[]> {
    const all = (await this.#ctx.store.documents(DOCUMENT)).map((document) => fromDocument(document.body));
    return all.filter((c) => c.principal.kind === kind);
  }

  /** Ends a credential at once; false when there is none. Ending it twice is no error. */
  async revoke(id: string): Promise<boolean> {
    const stored = await this.#read(id, true);
    if (stored === null) return false;
    if (stored.revokedAt !== null) return true;
    const type: ChangeType = stored.principal.kind === "session" ? "session.closed" : "token.revoked";
    const body = toDocument({ ...stored, revokedAt: this.#ctx.clock.now() });
    await recordChange(
      this.#ctx,
      type,
      asJson(stored.principal),
      { credential: id },
      { documents: [{ kind: DOCUMENT, id, body }] },
    );
    this.#cache.delete(id);
    return true;
  }

  async #issue(
    type: ChangeType,
    kind: Kind,
    ttlMs: number,
    principalOf: (id: TokenId) => Principal,
    once?: string,
  ): Promise<{ secret: Secret; credential: Credential; recorded: "recorded" | "duplicate" }> {
    const id = formatId("token", this.#ctx.chance.bytes(ID_BYTES));
    const chance = encodeBase64Url(this.#ctx.chance.bytes(32));
    const createdAt = this.#ctx.clock.now();
    const principal = principalOf(id);
    const credential: Credential = { principal, createdAt, expiresAt: (createdAt + ttlMs) as Instant, revokedAt: null };
    const documents = [{ kind: DOCUMENT, id, body: toDocument({ ...credential, hash: hashOf(chance) }) }];
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
