import { isJsonObject } from "../core/action/index.ts";
import type { Json, JsonObject } from "../core/action/index.ts";
import type { Header } from "./header.ts";
import { Skimmer, skimName } from "./skim.ts";
import type { SkimName } from "./skim.ts";

/** Where the payload says again what a public member says, by the type of entry. */
const SAID: { readonly [type: string]: { readonly [member: string]: readonly string[] } } = {
  "request.opened": {
    digest: ["request", "digest"],
    gate: ["request", "gate"],
    evaluation: ["request", "evaluation"],
    level: ["request", "risk", "level"],
  },
  "request.attached": { evaluation: ["evaluation"], gate: ["gate"] },
  "review.recorded": { verdict: ["review", "verdict"], assurance: ["review", "assurance"] },
  "review.refused": { rule: ["refusal", "refused"] },
  "review.voided": { rule: ["refusal", "refused"] },
  "request.approved": { approval: ["approval"] },
  "permit.issued": { permit: ["permit"], gate: ["gate"] },
  "permit.redeemed": { permit: ["permit"], gate: ["gate"] },
  "action.completed": { status: ["outcome", "status"] },
};

/** A public member whose value is not the payload's, or null: whoever reads only headers must not read another story. */
export function contradiction(type: string, publics: JsonObject, payload: Json): string | null {
  const said = Object.hasOwn(SAID, type) ? SAID[type] : undefined;
  for (const [member, path] of Object.entries(said ?? {})) {
    const shown = publics[member];
    if (shown !== undefined && shown !== valueAt(payload, path)) return differs(member);
  }
  return null;
}

const [DECISION, OUTCOME, DIGEST, GATE, STATUS] = ["decision", "outcome", "digest", "gate", "status"].map(skimName);
const skimmer = new Skimmer();

/**
 * As `contradiction`, for the two entries of every action that passes at once, which are nearly all entries: their payloads
 * are not parsed but walked over, once and only as far as needed.
 */
export function contradictionByBytes(header: Pick<Header, "type" | "shown">, payload: Uint8Array): string | null {
  skimmer.open(payload);
  if (header.type === "action.completed") {
    const status = header.shown("status");
    if (!into(OUTCOME)) return status === undefined ? null : differs("status");
    return says(STATUS, status) ? null : differs("status");
  }
  if (header.type !== "action.evaluated") return null;
  const digest = header.shown("digest");
  const gate = header.shown("gate");
  const outcome = header.shown("outcome");
  if (!into(DECISION) || !says(OUTCOME, outcome)) return differs("outcome");
  skimmer.leave();
  if (!says(DIGEST, digest)) return differs("digest");
  return says(GATE, gate) ? null : differs("gate");
}

function into(name: SkimName | undefined): boolean {
  if (name === undefined || !skimmer.find(name)) return false;
  skimmer.enter();
  return true;
}

/** Whether the next member of this name says what the header shows, if it shows anything; then goes on behind it. */
function says(name: SkimName | undefined, shown: Json | undefined): boolean {
  if (shown === undefined) return true;
  if (name === undefined || typeof shown !== "string" || !skimmer.find(name) || !skimmer.says(shown)) return false;
  skimmer.skip();
  return true;
}

function differs(member: string): string {
  return `the header shows another \`${member}\` than the payload`;
}

function valueAt(json: Json, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>(
    (value, name) => (isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined),
    json,
  );
}
