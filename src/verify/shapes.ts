import { canonicalAction, digest, isJsonList, isJsonObject, parseQuestion } from "../core/action/index.ts";
import type { Json, JsonObject } from "../core/action/index.ts";

/** So many people of one group. */
export type Term = { readonly group: string; readonly quorum: number };
/** What the auditor needs of a request as it was opened. */
export type Opened = {
  readonly id: string;
  readonly digest: string;
  readonly agent: string | null;
  readonly openedAt: number;
  readonly barred: readonly string[];
  readonly terms: readonly Term[];
  readonly assurance: number;
  readonly expiresAt: number;
  readonly approvedForMs: number;
};
/** What the auditor needs of one person's review. */
export type Review = {
  readonly person: string;
  readonly at: number;
  readonly verdict: string;
  readonly groups: readonly string[];
  readonly assurance: number;
  readonly nonce: string | null;
  readonly card: string | null;
  /** The credential's id and the key of the passkey that signed it. */
  readonly passkey: { readonly id: string; readonly key: string } | null;
};

/** A payload that is not of its type's shape: the writer was not ours, or a version that this verifier does not know. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

const encoder = new TextEncoder();

/** Reads `request.opened` and checks that its digest is that of the action that it shows. */
export function readOpened(payload: Json): Opened {
  const request = objectAt(payload, "request");
  const shown = textAt(request, "digest");
  const canonical = textAt(request, "canonical");
  if (digest(encoder.encode(canonical)) !== shown) {
    throw new ShapeError("its digest is not that of its canonical action");
  }
  const question = memberOf(request, "question");
  if (!isActionOf(question, canonical)) throw new ShapeError("its question is not the action that its digest names");
  const agent = request["agent"];
  return {
    id: textAt(request, "id"),
    digest: shown,
    agent: typeof agent === "string" ? agent : null,
    openedAt: numberAt(request, "openedAt"),
    barred: readBarred(request),
    terms: listAt(request, "terms").map(readTerm),
    assurance: assuranceAt(request),
    expiresAt: numberAt(request, "expiresAt"),
    approvedForMs: numberAt(request, "approvedForMs"),
  };
}

/** Whether a canonical text is that of a question. Out of a canonical payload the members come in their order already. */
function isActionOf(question: Json, canonical: string): boolean {
  const { subject, action, resource, context } = isJsonObject(question) ? question : {};
  const environment = isJsonObject(context) ? (context["environment"] ?? null) : null;
  const written = JSON.stringify({ action, environment, resource, subject, v: 1 });
  return written === canonical || canonicalAction(parseQuestion(question)).text === canonical;
}

/** The people in the `barred` list of a payload. */
export function readBarred(payload: Json): readonly string[] {
  return listAt(payload, "barred").map((bar) => textAt(bar, "person"));
}

/** Reads `review.recorded`. */
export function readReview(payload: Json): Review {
  const review = objectAt(payload, "review");
  return {
    person: textAt(review, "person"),
    at: numberAt(review, "at"),
    verdict: textAt(review, "verdict"),
    groups: textsAt(review, "groups"),
    assurance: assuranceAt(review),
    nonce: textOrNull(review["nonce"]),
    card: textOrNull(review["card"]),
    passkey: readPasskey(review["proof"]),
  };
}

function readPasskey(proof: Json | undefined): Review["passkey"] {
  if (proof === undefined || textAt(proof, "kind") !== "passkey") return null;
  return { id: textAt(proof, "credential"), key: textAt(proof, "publicKey") };
}

function textOrNull(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}

/** A member that is a string; ShapeError for any other. */
export function textAt(value: Json, name: string): string {
  const member = memberOf(value, name);
  if (typeof member !== "string") throw new ShapeError(`\`${name}\` is not a string`);
  return member;
}

/** A member that is a number; ShapeError for any other. */
export function numberAt(value: Json, name: string): number {
  const member = memberOf(value, name);
  if (typeof member !== "number") throw new ShapeError(`\`${name}\` is not a number`);
  return member;
}

/** A member that is true or false; ShapeError for any other. */
export function booleanAt(value: Json, name: string): boolean {
  const member = memberOf(value, name);
  if (typeof member !== "boolean") throw new ShapeError(`\`${name}\` is not true or false`);
  return member;
}

/** A member that is a list of strings; ShapeError for any other. */
export function textsAt(value: Json, name: string): readonly string[] {
  return listAt(value, name).map((item) => {
    if (typeof item !== "string") throw new ShapeError(`\`${name}\` is not a list of strings`);
    return item;
  });
}

function readTerm(term: Json): Term {
  const quorum = numberAt(term, "quorum");
  if (!Number.isInteger(quorum) || quorum < 1) throw new ShapeError("a quorum is not a whole number from 1");
  return { group: textAt(term, "group"), quorum };
}

/** A0 to A4 as 0 to 4. */
function assuranceAt(value: Json): number {
  const level = ["A0", "A1", "A2", "A3", "A4"].indexOf(textAt(value, "assurance"));
  if (level < 0) throw new ShapeError("`assurance` is not A0 to A4");
  return level;
}

/** A member that is a list; ShapeError for any other. */
export function listAt(value: Json, name: string): readonly Json[] {
  const member = memberOf(value, name);
  if (!isJsonList(member)) throw new ShapeError(`\`${name}\` is not a list`);
  return member;
}

/** A member that is an object; ShapeError for any other. */
export function objectAt(value: Json, name: string): JsonObject {
  const member = memberOf(value, name);
  if (!isJsonObject(member)) throw new ShapeError(`\`${name}\` is not an object`);
  return member;
}

/** A member that is there; ShapeError for any other. */
export function memberOf(value: Json, name: string): Json {
  const member = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  if (member === undefined) throw new ShapeError(`\`${name}\` is missing`);
  return member;
}
