import { digest, type Json, type JsonObject } from "../core/action/index.ts";
import { OWN_ISSUER } from "../core/approval/index.ts";
import type { AgentId, Brand, GateId, Instant, PersonId } from "../core/brand.ts";
import { encodeBase64Url } from "../core/encoding.ts";
import { formatId, ID_BYTES, type TokenId } from "../core/ids.ts";
import type { DocumentChange } from "../ports/store.ts";
import { recordChange, type ChangeResult, type ChangeType } from "./changes.ts";
import type { Context } from "./context.ts";
import type { Credential, Offered, OpenLogin, Principal, Workload } from "./principal.ts";
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
/** What is made often is kept so long after its end, codes as long as the doctor tells of them; then entries alone tell of it. */
const KEPT_MS = 86_400_000;
const CODE_KEPT_MS = 8 * 86_400_000;
/** Of those that are over, so many go with each new one. */
const SWEPT_MAX = 50;

type Stored = { readonly hash: string } & Credential;

const DOCUMENT = "credential";

type Needed = Pick<Context, "store" | "clock" | "chance" | "rules">;

/** Issues and checks secrets. Only their hashes are stored, so a stolen store opens nothing. */
export class Credentials {
  readonly #ctx: Needed;
  readonly #seen: Seen;
  readonly #cache = new Map<string, { stored: Stored | null; readAt: Instant }>();
  /** How many changes were heard of. */
  #changes = 0;
  /** What is not kept for ever, as far as this instance knows, and until when; null until the first one is wanted. */
  #brief: { readonly id: TokenId; readonly until: number }[] | null = null;

  constructor(ctx: Needed) {
    this.#ctx = ctx;
    this.#seen = new Seen(ctx);
  }

  async issueGateToken(
    agent: AgentId,
    gate: GateId,
    holder: PersonId | null,
    ttlMs: number,
    maker: PersonId | null = null,
  ): Promise<{ secret: Secret; credential: Credential }> {
    const made = maker === null ? {} : { maker };
    return this.#issue("token.created", "gate", ttlMs, (id) => ({ kind: "gate", id, agent, gate, holder, ...made }));
  }

  /** The token of one run of a workload, for a proof that is used up by it: null where `once` was used before. */
  async issueWorkloadToken(
    grant: { readonly agent: AgentId; readonly gate: GateId; readonly workload: Workload },
    ttlMs: number,
    once: string,
  ): Promise<{ secret: Secret; credential: Credential } | null> {
    const of = (id: TokenId): Principal => ({ kind: "gate", id, holder: null, ...grant });
    const issued = await this.#issue("token.created", "gate", ttlMs, of, `workload:${once}`);
    return issued.recorded === "duplicate" ? null : issued;
  }

  /** What forgets credentials that ended long ago, at most a few; they are not named again. */
  async #takeOver(): Promise<readonly DocumentChange[]> {
    this.#brief ??= (await this.#all()).flatMap(briefOf);
    const now = this.#ctx.clock.now();
    const over = this.#brief.filter(({ until }) => until < now).slice(0, SWEPT_MAX);
    if (over.length > 0) this.#brief = this.#brief.filter((one) => !over.includes(one));
    return over.flatMap(({ id }) => [{ kind: DOCUMENT, id, body: null }, unseen(id)]);
  }

  /** The credential of one provisioning client; `source` is its name in the settings. */
  async issueScimToken(source: string, ttlMs: number): Promise<{ secret: Secret; credential: Credential }> {
    return this.#issue("token.created", "scim", ttlMs, (id) => ({ kind: "scim", id, source }));
  }

  async issueOperatorToken(ttlMs: number): Promise<{ secret: Secret; credential: Credential }> {
    return this.#issue("token.created", "operator", ttlMs, (id) => ({ kind: "operator", id }));
  }

  /** A one-time code that opens a session for one person. */
  async offerSignIn(person: PersonId, by: Offered = {}): Promise<{ secret: Secret; credential: Credential }> {
    return this.#issue("sign_in.offered", "sign_in", SIGN_IN_TTL_MS, (id) => ({ kind: "sign_in", id, person, ...by }));
  }

  /** A one-time code that stands for a login that was just used and is nobody's yet. */
  async offerLink(login: OpenLogin): Promise<{ secret: Secret; credential: Credential }> {
    return this.#issue("link.offered", "link", SIGN_IN_TTL_MS, (id) => ({ kind: "link", id, login }));
  }

  /** Opens a session, which ends at `until` at the latest. `once` makes it happen once per code, whoever else tries at the same moment. */
  async openSession(
    session: Omit<Extract<Principal, { kind: "session" }>, "kind" | "id">,
    once: string | null,
    until: number = Number.POSITIVE_INFINITY,
  ): Promise<{ secret: Secret; credential: Credential } | null> {
    const key = once === null ? undefined : `sign_in:${once}`;
    const issued = await this.#issue(
      "session.opened",
      "session",
      Math.min(SESSION_TTL_MS, until - this.#ctx.clock.now()),
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
    // Time tells at most where the hash of a guess first differs, which nobody can choose.
    if (hashOf(chance) !== stored.hash) return null;
    const principal = this.#standing(stored.principal);
    if (principal?.kind === "sign_in" && principal.from !== undefined)
      return (await this.#isOpen(principal.from.session)) ? principal : null;
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
    return (await this.#all()).filter((c) => c.principal.kind === kind);
  }

  async #all(): Promise<readonly Credential[]> {
    return (await this.#ctx.store.documents(DOCUMENT)).map((document) => fromDocument(document.body));
  }

  /** Whether a session has not ended: what rests on it stands no longer than it does. */
  async #isOpen(id: TokenId): Promise<boolean> {
    const session = await this.#read(id, true);
    return session !== null && session.revokedAt === null && this.#ctx.clock.now() < session.expiresAt;
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
    this.forget(id);
    return true;
  }

  /** It was changed, here or at another instance: the next look is at the store. */
  forget(id: string): void {
    this.#changes += 1;
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
  ): Promise<{ secret: Secret; credential: Credential; recorded: ChangeResult }> {
    const id = formatId("token", this.#ctx.chance.bytes(ID_BYTES));
    const chance = encodeBase64Url(this.#ctx.chance.bytes(32));
    const createdAt = this.#ctx.clock.now();
    const principal = principalOf(id);
    const credential: Credential = { principal, createdAt, expiresAt: (createdAt + ttlMs) as Instant, revokedAt: null };
    const body = toDocument({ ...credential, hash: hashOf(chance) });
    const brief = briefOf(credential);
    const gone = brief.length === 0 ? [] : await this.#takeOver();
    const documents: readonly DocumentChange[] = [...gone, { kind: DOCUMENT, id, body }];
    const idempotency = once === undefined ? {} : { idempotency: { key: once, fingerprint: id, answer: {} } };
    const recorded = await recordChange(
      this.#ctx,
      type,
      { ...asJson(principal), expires_at: credential.expiresAt },
      { credential: id, kind },
      { documents, ...idempotency },
    );
    if (recorded === "recorded") this.#brief?.push(...brief);
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
    const changes = this.#changes;
    const document = await this.#ctx.store.document(DOCUMENT, id);
    const stored = document === null ? null : fromDocument(document.body);
    if (this.#cache.size >= CACHE_MAX) this.#cache.clear();
    // What does not exist is not remembered: guessing must not fill memory. Nor what a change has just overtaken.
    if (stored !== null && changes === this.#changes) this.#cache.set(id, { stored, readAt: now });
    return stored;
  }
}

/** SHA-256 in hex. */
function hashOf(chance: string): string {
  return digest(chance).slice("sha256:".length);
}

/** Until when a credential is kept that is made often; nothing for those that somebody makes by hand, which are few. */
function briefOf({ principal, expiresAt }: Credential): readonly { readonly id: TokenId; readonly until: number }[] {
  const { kind, id } = principal;
  if (kind === "sign_in") return [{ id, until: expiresAt + CODE_KEPT_MS }];
  const isBrief = kind === "session" || kind === "link" || (kind === "gate" && principal.workload !== undefined);
  return isBrief ? [{ id, until: expiresAt + KEPT_MS }] : [];
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
