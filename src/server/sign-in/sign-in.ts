import { createHash } from "node:crypto";
import type { JsonObject } from "../../core/action/index.ts";
import { decodeBase64Url, encodeBase64Url } from "../../core/encoding.ts";
import {
  OidcError,
  openTransaction,
  Provider,
  sealTransaction,
  TRANSACTION_TTL_MS,
  type Decision,
  type Finished,
  type LogoutToken,
  type OidcErrorCode,
  type ProviderConfig,
  type Transaction,
} from "../../identity/oidc/index.ts";
import type { Chance, Clock } from "../../ports/clock.ts";
import type { Store } from "../../ports/store.ts";
import type { Log } from "../log.ts";
import { HttpProblem } from "../problem.ts";

const STATUS: Readonly<Record<OidcErrorCode, number>> = {
  provider_unavailable: 503,
  provider_invalid: 503,
  provider_refused: 403,
  answer_invalid: 400,
  login_refused: 403,
  logout_token_invalid: 400,
};

/** The key that seals transactions. Whoever stole it could begin a sign-in for themselves, and no more. */
const KEY = { kind: "sign_in_key", id: "current" } as const;
const KEY_BYTES = 32;
/** Characters of what a provider sends back. */
export const ANSWER_CHARS_MAX = 8_192;

type Parts = {
  readonly providers: readonly ProviderConfig[];
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
};

export type Begun = { readonly address: string; readonly cookie: string };

/** What wants to be proven: where the console goes on, and the decision that it is for, if it is for one. */
export type Purpose = { readonly next: string; readonly decision: Decision | null; readonly nonce?: string };

/** The identity providers of the house: begins sign-ins, and finishes those that were begun in the same browser. */
export class SignIn {
  readonly #parts: Parts;
  readonly #providers: ReadonlyMap<string, Provider>;
  readonly #troubles = new Map<string, string>();
  #key: Promise<Uint8Array> | null = null;

  /** Throws `OidcError` where a provider's secret cannot be read. */
  constructor(parts: Parts) {
    this.#parts = parts;
    this.#providers = new Map(parts.providers.map((one) => [one.name, new Provider(one, () => parts.clock.now())]));
  }

  get providers(): readonly ProviderConfig[] {
    return this.#parts.providers;
  }

  /** Providers at which the last sign-in failed, and why. */
  get troubles(): ReadonlyMap<string, string> {
    return this.#troubles;
  }

  async begin(name: string, redirectUri: string, { next, decision, nonce }: Purpose): Promise<Begun> {
    const provider = this.#provider(name);
    const random = (): string => encodeBase64Url(this.#parts.chance.bytes(32));
    const asked = {
      redirectUri,
      state: random(),
      nonce: nonce ?? random(),
      verifier: random(),
      fresh: decision !== null,
    };
    const address = await this.#try(name, () => provider.address(asked));
    const expiresAt = this.#parts.clock.now() + TRANSACTION_TTL_MS;
    const { fresh: _, ...kept } = asked;
    const transaction: Transaction = { id: random(), provider: name, ...kept, next, decision, expiresAt };
    const cookie = await sealTransaction(transaction, await this.#sealing());
    if (cookie === null)
      throw new HttpProblem({
        status: 413,
        code: "too_large",
        message: "this is too much to prove at once: write less",
      });
    return { address, cookie };
  }

  /** What this browser began, and whose login came back. */
  async finish(name: string, cookie: string | null, search: string): Promise<Finished & { transaction: Transaction }> {
    const provider = this.#provider(name);
    const transaction = await openTransaction(cookie ?? "", await this.#sealing(), this.#parts.clock.now());
    // Each provider has its own address to come back to, so an answer of one is never taken to another (RFC 9700 §2.1).
    if (transaction === null || transaction.provider !== name || search.length > ANSWER_CHARS_MAX) throw noAnswer();
    const finished = await this.#try(name, () =>
      provider.finish(search, { ...transaction, fresh: transaction.decision !== null }),
    );
    return { ...finished, transaction };
  }

  /** Reads a logout token of a provider; null where its `jti` was seen before. */
  async logout(name: string, token: string): Promise<LogoutToken | null> {
    const provider = this.#provider(name);
    const read = await this.#try(name, () => provider.logout(token));
    const hash = createHash("sha256")
      .update(JSON.stringify([provider.config.issuer, read.jti]))
      .digest("hex");
    const once = { key: `logout:${hash}`, fingerprint: hash, answer: {} };
    const { status } = await this.#parts.store.append({ entries: [], idempotency: once });
    return status === "appended" ? read : null;
  }

  #provider(name: string): Provider {
    const provider = this.#providers.get(name);
    if (provider !== undefined) return provider;
    throw new HttpProblem({
      status: 404,
      code: "provider_unknown",
      message: "no identity provider has this name here",
    });
  }

  async #try<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.#troubles.delete(name);
      return result;
    } catch (error) {
      if (!(error instanceof OidcError)) throw error;
      if (error.code === "provider_unavailable" || error.code === "provider_invalid") {
        this.#troubles.set(name, error.message);
      }
      this.#parts.log("error", `a sign-in at ${name} failed: ${error.message}`, {
        code: error.code,
        cause: wordsOf(error.cause),
      });
      throw new HttpProblem({ status: STATUS[error.code], code: error.code, message: error.message });
    }
  }

  /** One key for all instances on this store: a sign-in may come back to another one than it was begun at. */
  #sealing(): Promise<Uint8Array> {
    this.#key ??= this.#readKey().catch((error: unknown) => {
      this.#key = null;
      throw error;
    });
    return this.#key;
  }

  async #readKey(): Promise<Uint8Array> {
    const { store, chance } = this.#parts;
    const made: JsonObject = { key: encodeBase64Url(chance.bytes(KEY_BYTES)) };
    const known = await store.document(KEY.kind, KEY.id);
    if (known === null) {
      const once = { key: "sign_in_key:current", fingerprint: "", answer: {} };
      await store.append({ entries: [], documents: [{ ...KEY, body: made }], idempotency: once });
    }
    const stored = known ?? (await store.document(KEY.kind, KEY.id));
    const key = stored?.body["key"];
    if (typeof key !== "string") throw new TypeError("the key of sign-ins is not in the store");
    return decodeBase64Url(key);
  }
}

function noAnswer(): HttpProblem {
  const message = "this is no answer to a sign-in that was begun in this browser within the last minutes; begin again";
  return new HttpProblem({ status: 400, code: "answer_invalid", message });
}

/** Why, for the operator's log: codes and names of errors, never a token. */
function wordsOf(cause: unknown): string | null {
  if (!(cause instanceof Error)) return null;
  const code: unknown = Reflect.get(cause, "code") ?? Reflect.get(cause, "error");
  const inner = wordsOf(cause.cause);
  return `${cause.name}: ${cause.message.slice(0, 200)}${typeof code === "string" ? ` (${code})` : ""}${inner === null ? "" : `; ${inner}`}`;
}
