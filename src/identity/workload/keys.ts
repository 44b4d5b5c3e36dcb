import { readFileSync } from "node:fs";
import type { CompactVerifyGetKey, JSONWebKeySet } from "jose";
import { isJsonObject, parseJson } from "../../core/action/index.ts";
import { WorkloadError } from "./failure.ts";
import { isSafePlace, type KeyPlace } from "./rule.ts";

/** How long an issuer may take to answer, and how large its answer may be. */
const TIMEOUT_MS = 5_000;
const BYTES_MAX = 262_144;
/** How long keys are good without being asked for again; a key that is not among them is asked for at most this often. */
const CACHE_MS = 600_000;
const COOLDOWN_MS = 30_000;
/** A file of keys is read again after this. */
const FILE_MS = 10_000;
/** After a failure, the issuer is left alone so long. */
const FAILED_MS = 3_000;

/** The keys of issuers, each set kept for a while. Addresses come from the settings and never from a token. */
export class Keys {
  readonly #sets = new Map<string, { readonly set: Promise<CompactVerifyGetKey>; readonly until: number }>();

  /** The keys of one issuer; `keys_unavailable` when they cannot be had. */
  of(issuer: string, place: KeyPlace): Promise<CompactVerifyGetKey> {
    const id = JSON.stringify([issuer, place]);
    const known = this.#sets.get(id);
    if (known !== undefined && performance.now() < known.until) return known.set;
    const lasts = place.from === "file" ? FILE_MS : place.from === "uri" ? Number.POSITIVE_INFINITY : 6 * CACHE_MS;
    const set = load(issuer, place);
    this.#sets.set(id, { set, until: performance.now() + lasts });
    // Anybody may ask: an issuer that is down is not asked again for each of them.
    set.catch(() => this.#sets.set(id, { set, until: performance.now() + FAILED_MS }));
    return set;
  }
}

async function load(issuer: string, place: KeyPlace): Promise<CompactVerifyGetKey> {
  const { createLocalJWKSet, createRemoteJWKSet, customFetch } = await import("jose");
  if (place.from === "file") {
    try {
      return createLocalJWKSet(parseJson(readFileSync(place.path)) as object as JSONWebKeySet);
    } catch (error) {
      throw new WorkloadError("keys_unavailable", "the file of keys in the settings cannot be read", error);
    }
  }
  const uri = place.from === "uri" ? place.uri : await discovered(issuer);
  return createRemoteJWKSet(new URL(uri), {
    timeoutDuration: TIMEOUT_MS,
    cacheMaxAge: CACHE_MS,
    cooldownDuration: COOLDOWN_MS,
    [customFetch]: bounded,
  });
}

/** OpenID Connect Discovery §4: the document must name the very issuer that it was asked of. */
async function discovered(issuer: string): Promise<string> {
  const address = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  try {
    const response = await bounded(address, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "manual" });
    if (response.status !== 200) throw new TypeError(`it answered ${response.status}`);
    const document = parseJson(new Uint8Array(await response.arrayBuffer()));
    const { issuer: named, jwks_uri: uri } = isJsonObject(document) ? document : {};
    if (named !== issuer) throw new TypeError("its discovery document names another issuer");
    if (typeof uri !== "string" || !isSafePlace(uri))
      throw new TypeError("its discovery document names no safe `jwks_uri`");
    return uri;
  } catch (error) {
    throw new WorkloadError("keys_unavailable", "the issuer's discovery document cannot be had; try again", error);
  }
}

/** An answer of bounded size, whoever gives it. */
async function bounded(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...options, redirect: "manual" });
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > BYTES_MAX) throw new TypeError(`an issuer's answer has at most ${BYTES_MAX} bytes`);
    parts.push(part);
  }
  return new Response(Buffer.concat(parts), { status: response.status });
}
