import type { JsonObject } from "../../core/action/index.ts";
import { STATEMENT_TTL_MS, type DecisionStatement } from "../../core/approval/index.ts";
import type { Instant, PersonId } from "../../core/brand.ts";
import type { EngineContext } from "../../engine/index.ts";
import type { DocumentChange } from "../../ports/store.ts";

/** What somebody was given to sign, and until when: a decision, or the making of a key. */
type Offer =
  | { readonly statement: DecisionStatement }
  | { readonly challenge: string; readonly session: string; readonly until: Instant };

type Ledger = Pick<EngineContext, "store" | "clock">;

/** Offers that stand for one person at a time; beyond them the oldest is forgotten. */
const OFFERS_MAX = 8;

const KIND = "passkey_offers";
const COUNTER = "passkey_counter";

/**
 * What was offered for signing and not used yet. It is kept in the store, so that any instance can take the answer; a
 * person has a few at a time, so that nobody fills the store with them. Whoever uses one takes it away in the same commit.
 */
export class Offers {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Offers a decision for signing; it replaces one under the same nonce. */
  async offer(statement: DecisionStatement): Promise<void> {
    const others = (await this.#read(statement.approver)).filter(
      (offer) => !("statement" in offer && offer.statement.nonce === statement.nonce),
    );
    await this.#write(documentOf(statement.approver, [...others, { statement }]));
  }

  /** The decision that was offered to this person under a nonce, and what to write when it is used; null when there is none. */
  async taken(
    person: PersonId,
    nonce: string,
  ): Promise<{ readonly statement: DecisionStatement; readonly document: DocumentChange } | null> {
    const offers = await this.#read(person);
    const found = offers.find((offer) => "statement" in offer && offer.statement.nonce === nonce);
    if (found === undefined || !("statement" in found)) return null;
    const rest = offers.filter((offer) => offer !== found);
    return { statement: found.statement, document: documentOf(person, rest) };
  }

  /** Offers the making of a key to one session of a person: the last one counts. */
  async offerEnrolment(person: PersonId, session: string, challenge: string): Promise<void> {
    const decisions = (await this.#read(person)).filter((offer) => "statement" in offer);
    const until = (this.#ledger.clock.now() + STATEMENT_TTL_MS) as Instant;
    await this.#write(documentOf(person, [...decisions, { challenge, session, until }]));
  }

  /** The challenge of the key that this session was asked to make, and what to write when it is used; null when there is none. */
  async takenEnrolment(
    person: PersonId,
    session: string,
  ): Promise<{ readonly challenge: string; readonly document: DocumentChange } | null> {
    const offers = await this.#read(person);
    const found = offers.find((offer) => "challenge" in offer && offer.session === session);
    if (found === undefined || !("challenge" in found)) return null;
    const rest = offers.filter((offer) => offer !== found);
    return { challenge: found.challenge, document: documentOf(person, rest) };
  }

  /** How often a key was used, by its own count. */
  async counter(credential: string): Promise<number> {
    const document = await this.#ledger.store.document(COUNTER, credential);
    const count = document?.body["count"];
    return typeof count === "number" ? count : 0;
  }

  async #read(person: PersonId): Promise<readonly Offer[]> {
    const document = await this.#ledger.store.document(KIND, person);
    const now = this.#ledger.clock.now();
    // Written by `documentOf` below and by nothing else.
    const offers = (document?.body["offers"] ?? []) as object as readonly Offer[];
    return offers.filter((offer) => now < ("statement" in offer ? offer.statement.not_after : offer.until));
  }

  async #write(document: DocumentChange): Promise<void> {
    await this.#ledger.store.append({ entries: [], documents: [document] });
  }
}

function documentOf(person: PersonId, offers: readonly Offer[]): DocumentChange {
  const kept: object = offers.slice(-OFFERS_MAX);
  return { kind: KIND, id: person, body: offers.length === 0 ? null : ({ offers: kept } as JsonObject) };
}

/** How often a key was used by its own count, as it is remembered. */
export function counterDocument(credential: string, count: number): DocumentChange {
  return { kind: COUNTER, id: credential, body: { count } };
}
