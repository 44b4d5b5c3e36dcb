import { importJWK } from "jose";
import type { CryptoKey } from "jose";
import { z } from "zod";
import type { Json } from "../../core/action/index.ts";
import type { Clock } from "../../ports/clock.ts";
import { call, unavailable } from "./call.ts";

/** For so long keys serve: a key that Microsoft withdraws is gone by then. */
const KEYS_MS: number = 6 * 3_600_000;
/** While the metadata cannot be read, the last keys serve for so long. */
const STALE_MS: number = 24 * 3_600_000;
/** An unknown key id makes us look again, at most so often: anybody can name one. */
const AGAIN_MS = 60_000;
/** After a failure nobody asks again for so long: what is not signed must not make us call. */
const FAILED_MS = 5000;
const KEYS_MAX = 64;

const Metadata = z.looseObject({ issuer: z.string(), jwks_uri: z.url() });
const KeySet = z.looseObject({
  keys: z
    .array(
      z.looseObject({
        kty: z.string(),
        kid: z.string().min(1).max(200),
        n: z.string().optional(),
        e: z.string().optional(),
        endorsements: z.array(z.string().max(100)).max(100).optional(),
      }),
    )
    .max(KEYS_MAX),
});

/** A key that signs activities, and the channels that it may sign for. */
export type SigningKey = { readonly key: CryptoKey; readonly endorsements: readonly string[] };
type Kept = { readonly at: number; readonly keys: ReadonlyMap<string, SigningKey> };

/** The keys with which Microsoft signs what it sends to bots. */
export class SigningKeys {
  readonly #metadataUrl: string;
  readonly #issuer: string;
  readonly #clock: Clock;
  #kept: Kept | null = null;
  #triedAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  #fetching: Promise<Kept> | null = null;

  constructor({ metadataUrl, issuer }: { readonly metadataUrl: string; readonly issuer: string }, clock: Clock) {
    this.#metadataUrl = metadataUrl;
    this.#issuer = issuer;
    this.#clock = clock;
  }

  /** The key of this id, or null. Throws `channel_unavailable` where nobody can say. */
  async named(kid: string): Promise<SigningKey | null> {
    const now = this.#clock.now();
    const isFresh = this.#kept !== null && now - this.#kept.at < KEYS_MS;
    const known = this.#kept?.keys.get(kid);
    if (isFresh && (known !== undefined || now - this.#triedAt < AGAIN_MS)) return known ?? null;
    try {
      return (await this.#fetch()).keys.get(kid) ?? null;
    } catch (error) {
      // An outage there must not be one here at once; the keys are those that Microsoft published lately.
      if (this.#kept !== null && now - this.#kept.at < STALE_MS) return known ?? null;
      throw error;
    }
  }

  async #fetch(): Promise<Kept> {
    const now = this.#clock.now();
    if (this.#fetching === null && now - this.#failedAt < FAILED_MS) throw unavailable("the keys could not be read");
    this.#triedAt = now;
    this.#fetching ??= this.#load()
      .catch((error: unknown) => {
        this.#failedAt = this.#clock.now();
        throw error;
      })
      .finally(() => (this.#fetching = null));
    return this.#fetching;
  }

  async #load(): Promise<Kept> {
    const { issuer, jwks_uri: keysUrl } = parsed(Metadata, await get(this.#metadataUrl));
    if (issuer !== this.#issuer) throw unavailable("the OpenID metadata is of another issuer");
    if (new URL(keysUrl).host !== new URL(this.#metadataUrl).host) {
      throw unavailable("the OpenID metadata names keys of another host");
    }
    const { keys } = parsed(KeySet, await get(keysUrl));
    const usable = keys.flatMap(({ kty, kid, n, e, endorsements }) =>
      kty === "RSA" && n !== undefined && e !== undefined ? [{ kid, n, e, endorsements: endorsements ?? [] }] : [],
    );
    const imported = usable.map(async ({ kid, n, e, endorsements }): Promise<[string, SigningKey]> => {
      const key = await importJWK({ kty: "RSA", n, e }, "RS256");
      if (key instanceof Uint8Array) throw unavailable("a signing key is no RSA key");
      return [kid, { key, endorsements }];
    });
    this.#kept = { at: this.#clock.now(), keys: new Map(await Promise.all(imported)) };
    return this.#kept;
  }
}

async function get(url: string): Promise<Json | null> {
  const { status, body } = await call({ method: "GET", url, headers: { accept: "application/json" } });
  if (status !== 200) throw unavailable(`${new URL(url).host} answered ${status} when asked for keys`);
  return body;
}

function parsed<T>(shape: z.ZodType<T>, body: Json | null): T {
  const result = shape.safeParse(body);
  if (!result.success) throw unavailable("what Microsoft publishes about its keys is not understood");
  return result.data;
}
