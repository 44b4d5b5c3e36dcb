import { join, resolve } from "node:path";
import { z } from "zod";
import type { JsonObject } from "../core/action/index.ts";
import type { PersonId } from "../core/brand.ts";
import type { PushChannel, PushConfig, Subscription } from "../channels/push/index.ts";
import type { Credentials, EngineContext } from "../engine/index.ts";
import { ConfigError } from "../ports/config.ts";
import type { StoredDocument } from "../ports/store.ts";

const HOST = /^(?:\*\.)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::\d{1,5})?$/;

/** `notify.push` of keyturn.yaml. */
export const PushWritten: z.ZodType<PushText> = z.strictObject({
  contact: z
    .string()
    .max(512)
    .regex(/^(?:mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/, "write `mailto:you@example.com` or an https address"),
  key_file: z.string().min(1).optional(),
  services: z.array(z.string().regex(HOST, "write `host`, `host:port` or `*.domain`")).max(16).default([]),
  allow_private: z.array(z.string().min(1)).max(16).default([]),
  agents: z.array(z.string().min(1).max(512)).max(1000).default([]),
});

/** As it is written, with defaults. */
export type PushText = {
  readonly contact: string;
  readonly key_file?: string | undefined;
  readonly services: readonly string[];
  readonly allow_private: readonly string[];
  readonly agents: readonly string[];
};

/** What was written, with the path made absolute. */
export function pushOf(written: PushText, base: string): PushConfig {
  const { contact, key_file: file, services, allow_private: allowPrivate, agents } = written;
  const keyFile = file === undefined ? null : resolve(base, file);
  return { name: "push", contact, keyFile, services, allowPrivate, agents };
}

/** What the ledger records of it. */
export function pushSettings({ contact, services, allowPrivate, agents }: PushConfig): JsonObject {
  return { contact, services: [...services], allow_private: [...allowPrivate], agents: [...agents] };
}

/** Web push where it is set up: the channel, and what it tells. */
export type Push = {
  readonly channel: PushChannel;
  readonly kept: Subscriptions;
  /** Why this subscription is not taken; null when it is. */
  readonly fault: (offered: Pick<Subscription, "endpoint" | "p256dh" | "auth">) => string | null;
};

type Parts = {
  readonly ctx: Pick<EngineContext, "store" | "clock" | "rules">;
  readonly credentials: Credentials;
  readonly data: string;
  /** Several servers share the ledger: each would make a key of its own, and browsers know one. */
  readonly isShared: boolean;
};

/** Loads the channel and its key; throws `ConfigError` where the key is missing or none. */
export async function openPush(config: PushConfig, { ctx, credentials, data, isShared }: Parts): Promise<Push> {
  const { pushChannel, pushKey, subscriptionFault } = await import("../channels/push/index.ts");
  if (isShared && config.keyFile === null) throw keyMissing();
  const key = pushKey(config.keyFile ?? join(data, "push-key.pem"), !isShared);
  const kept = new Subscriptions({ ctx, credentials });
  const channel = pushChannel(config, {
    key,
    of: async (person) => kept.of(person),
    at: async (session) => kept.at(session),
    drop: async ({ person, session }) => kept.drop(person, session),
  });
  return { channel, kept, fault: (offered) => subscriptionFault(offered, config.services) };
}

function keyMissing(): ConfigError {
  const message = "`notify.push` has no `key_file`, and several servers share the ledger";
  const hint = "give every server the same file; browsers subscribe to one key";
  const problems = [{ file: "keyturn.yaml", line: 0, column: 0, message, hint }];
  return new ConfigError({ code: "config_invalid", problems });
}

/** Browsers of one person that are told at a time. */
export const BROWSERS_MAX = 8;

/** Where subscriptions of a person are kept: one document for each session, so that none is written over by another's. */
const kindOf = (person: PersonId): string => `push/${person}`;

/**
 * The browsers in which people turned notifications on. Each belongs to a session and is worth nothing without it: signed
 * out, ended, expired or its person deactivated, it is told nothing more, and forgotten at the next look.
 */
export class Subscriptions {
  readonly #ctx: Parts["ctx"];
  readonly #credentials: Credentials;

  constructor({ ctx, credentials }: Pick<Parts, "ctx" | "credentials">) {
    this.#ctx = ctx;
    this.#credentials = credentials;
  }

  /** Those of a person that stand, newest first. */
  async of(person: PersonId): Promise<readonly (Subscription & { readonly since: number })[]> {
    const documents = await this.#ctx.store.documents(kindOf(person));
    const standing = await Promise.all(documents.map(async ({ id }) => (await this.#personOf(id)) === person));
    const over = documents.filter((_, index) => standing[index] !== true);
    await this.#forget(over);
    return documents
      .filter((_, index) => standing[index] === true)
      .map((document) => subscriptionOf(person, document))
      .toSorted((one, other) => other.since - one.since);
  }

  /** That of a session, while it stands. */
  async at(session: string): Promise<Subscription | null> {
    const person = await this.#personOf(session);
    if (person === null) return null;
    const document = await this.#ctx.store.document(kindOf(person), session);
    return document === null ? null : subscriptionOf(person, document);
  }

  /** Keeps the one of a session; false where the person has as many as there may be. The same browser counts once. */
  async keep(subscription: Subscription): Promise<boolean> {
    const { person, session, endpoint, p256dh, auth } = subscription;
    const others = (await this.of(person)).filter((one) => one.session !== session);
    const same = others.filter((one) => one.endpoint === endpoint);
    if (others.length - same.length >= BROWSERS_MAX) return false;
    const body = { endpoint, p256dh, auth, since: this.#ctx.clock.now() };
    const gone = same.map((one) => ({ kind: kindOf(person), id: one.session, body: null }));
    await this.#ctx.store.append({ entries: [], documents: [...gone, { kind: kindOf(person), id: session, body }] });
    return true;
  }

  /** Forgets one; nothing happens where there is none. */
  async drop(person: PersonId, session: string): Promise<void> {
    await this.#forget([{ kind: kindOf(person), id: session }]);
  }

  /** Forgets all of a person. */
  async dropAll(person: PersonId): Promise<void> {
    await this.#forget(await this.#ctx.store.documents(kindOf(person)));
  }

  async #forget(list: readonly Pick<StoredDocument, "kind" | "id">[]): Promise<void> {
    if (list.length === 0) return;
    await this.#ctx.store.append({ entries: [], documents: list.map(({ kind, id }) => ({ kind, id, body: null })) });
  }

  /** Whose open session this is; null where it is over, unknown, or its person is not active. */
  async #personOf(session: string): Promise<PersonId | null> {
    const credential = await this.#credentials.credential(session);
    if (credential === null || credential.principal.kind !== "session" || credential.revokedAt !== null) return null;
    if (this.#ctx.clock.now() >= credential.expiresAt) return null;
    const { person } = credential.principal;
    return this.#ctx.rules().directory.people.get(person)?.active === true ? person : null;
  }
}

function subscriptionOf(person: PersonId, { id, body }: StoredDocument): Subscription & { readonly since: number } {
  // Written by `keep` above and by nothing else.
  const { endpoint, p256dh, auth, since } = body as {
    readonly endpoint: string;
    readonly p256dh: string;
    readonly auth: string;
    readonly since: number;
  };
  return { session: id, person, endpoint, p256dh, auth, since };
}
