import { createHash, randomUUID } from "node:crypto";
import assert from "node:assert/strict";
import {
  AuthenticatorEmulator,
  PasskeysCredentialsMemoryRepository,
  WebAuthnEmulator,
  type AuthenticatorParameters,
} from "nid-webauthn-emulator";
import type { JsonObject } from "../../src/core/action/index.ts";
import type { Held } from "./flow.ts";
import type { Answer, Client } from "./house.ts";
import { at, textAt } from "./json.ts";

type Emulated = Partial<AuthenticatorParameters>;
const touched = { options: { uv: false, up: true } };
/** An authenticator that is touched and asks for no PIN or finger, whatever the page wants. */
export const UNVERIFIED: Emulated = {
  userMakeCredentialInteraction: () => touched,
  userGetAssertionInteraction: () => touched,
};

type Asked = Parameters<WebAuthnEmulator["getJSON"]>[1];

/** What is about to be decided, and what is sent instead of it where a test swaps something. */
export type Deciding = { readonly verdict?: string; readonly nonce?: string; readonly card?: string };

/** An authenticator in software with a browser around it, of which nothing was written here. */
export class Key {
  readonly #emulated: Emulated;
  readonly #origin: string;

  constructor(house: { readonly url: string }, emulated: Emulated = {}) {
    this.#emulated = { credentialsRepository: new PasskeysCredentialsMemoryRepository(), ...emulated };
    const url = new URL(house.url);
    url.hostname = "localhost";
    this.#origin = url.origin;
  }

  /** Makes a key for whoever is signed in; the server's answer to it. */
  async enrol(person: Client, origin: string = this.#origin, vouching?: Pick<Key, "sign">): Promise<Answer> {
    const asked = await person.post("/v1/me/passkeys/challenge", {});
    assert.equal(asked.status, 200, asked.text);
    const emulator = new WebAuthnEmulator(new AuthenticatorEmulator(this.#emulated));
    const made = emulator.createJSON(origin, at(asked.body, "options") as never);
    const { clientDataJSON, attestationObject } = made.response;
    const hash = createHash("sha256").update(clientDataJSON, "base64url").update(attestationObject, "base64url");
    const challenge = hash.digest("base64url");
    const known = at(asked.body, "options", "excludeCredentials") ?? [];
    const wanted = { challenge, rpId: "localhost", userVerification: "required", allowCredentials: known };
    return person.post("/v1/me/passkeys", {
      credential: made.id,
      client_data_json: clientDataJSON,
      attestation_object: attestationObject,
      ...(vouching === undefined ? {} : { vouch: vouching.sign(wanted) }),
    });
  }

  /** Signs a challenge as a browser at an origin would. */
  sign(options: JsonObject, origin: string = this.#origin, emulated: Emulated = {}): JsonObject {
    const emulator = new WebAuthnEmulator(new AuthenticatorEmulator({ ...this.#emulated, ...emulated }));
    const { id, response } = emulator.getJSON(origin, options as object as Asked);
    return {
      credential: id,
      authenticator_data: response.authenticatorData,
      client_data_json: response.clientDataJSON,
      signature: response.signature,
    };
  }

  /** Asks for the statement of a decision and signs it: the body of the review. */
  async signed(person: Client, held: Held, { verdict = "approve", nonce, card }: Deciding = {}): Promise<JsonObject> {
    const shown = await person.get(`/v1/requests/${held.id}`);
    const decision = {
      verdict,
      digest: held.digest,
      nonce: nonce ?? randomUUID(),
      card: card ?? textAt(shown.body, "card_digest"),
    };
    const offered = await person.post(`/v1/requests/${held.id}/reviews/challenge`, decision);
    assert.equal(offered.status, 200, offered.text);
    return { ...decision, assertion: this.sign(at(offered.body, "options") as JsonObject) };
  }

  /** The whole of it: the statement, its signature, and the review. */
  async review(person: Client, held: Held, deciding: Deciding = {}): Promise<Answer> {
    return person.post(`/v1/requests/${held.id}/reviews`, await this.signed(person, held, deciding));
  }
}
