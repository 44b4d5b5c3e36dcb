import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { isJsonObject, parseJson } from "../../core/action/index.ts";
import type { JsonObject } from "../../core/action/index.ts";
import { McpError } from "./errors.ts";

/** How long a client may take between two legs of one call, in milliseconds. */
export const STATE_MS: number = 15 * 60_000;
/** Characters of a state as a client sends it, and of an upstream's own state inside of one. */
const STATE_CHARS_MAX = 8_192;
export const INNER_CHARS_MAX = 4_096;
const PREFIX = "kt1.";

/** Whom and what a state is bound to: it is worth nothing for another caller, server or call. */
export type Bound = { readonly principal: string; readonly server: string; readonly digest: string };

/**
 * What a client carries for us from one leg of a call to the next (MCP 2026-07-28, `requestState`). `wait`: the call is
 * held under this request. `more`: it was let through, and the server asks for input before it ends.
 */
export type State = {
  readonly kind: "wait" | "more";
  readonly request: string | null;
  /** Legs so far. */
  readonly legs: number;
  readonly expiresAt: number;
  /** Which run of the gateway gave it and which one it is: a `more` counts once. */
  readonly once: string | null;
  /** The upstream's own state. */
  readonly inner: string | null;
};

/** Signs and reads states under one key, which no client and no upstream has. */
export type StateCodec = {
  mint(state: State, bound: Bound): string;
  /** Throws `state_invalid` for whatever was not minted here for exactly this, or is too old. */
  open(text: string, bound: Bound, now: number): State;
};

/** Whether a state claims to be ours; any other is the upstream's. */
export function claimsToBeOurs(text: string): boolean {
  return text.startsWith(PREFIX);
}

export function createStateCodec(gatewayKey: Buffer): StateCodec {
  const key = Buffer.from(hkdfSync("sha256", gatewayKey, Buffer.alloc(0), "keyturn mcp requestState v1", 32));
  return {
    mint: (state, bound) => {
      const body = Buffer.from(JSON.stringify(state), "utf8").toString("base64url");
      return `${PREFIX}${body}.${tag(key, body, bound).toString("base64url")}`;
    },
    open: (text, bound, now) => {
      const [body = "", mac = "", ...rest] = text.slice(PREFIX.length).split(".");
      const good = claimsToBeOurs(text) && text.length <= STATE_CHARS_MAX && rest.length === 0;
      const given = Buffer.from(mac, "base64url");
      const wanted = tag(key, body, bound);
      // A second spelling of the same tag is refused as well: one state, one text.
      const same = given.length === wanted.length && timingSafeEqual(given, wanted);
      if (!good || !same || given.toString("base64url") !== mac) throw invalid("it was not given for this call");
      const state = stateOf(body);
      if (state === null) throw invalid("it cannot be read");
      if (now >= state.expiresAt) throw invalid("it is too old; call the tool again without it");
      return state;
    },
  };
}

function tag(key: Buffer, body: string, { principal, server, digest }: Bound): Buffer {
  // Lengths stand in front, so that no two sets of parts have the same bytes.
  const parts = [body, principal, server, digest].map((part) => `${Buffer.byteLength(part)}:${part}`);
  return createHmac("sha256", key).update(parts.join(",")).digest();
}

function stateOf(body: string): State | null {
  const json = parseJson(Buffer.from(body, "base64url"));
  if (!isJsonObject(json)) return null;
  const { kind, request, legs, expiresAt, once, inner } = json;
  if (kind !== "wait" && kind !== "more") return null;
  if (typeof legs !== "number" || typeof expiresAt !== "number") return null;
  return { kind, request: textOf({ request }), legs, expiresAt, once: textOf({ once }), inner: textOf({ inner }) };
}

function textOf(one: { readonly [name: string]: JsonObject[string] | undefined }): string | null {
  const [value] = Object.values(one);
  return typeof value === "string" ? value : null;
}

function invalid(why: string): McpError {
  return new McpError({ code: "state_invalid", message: `the requestState is not valid: ${why}` });
}
