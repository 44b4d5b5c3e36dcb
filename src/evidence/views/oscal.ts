import { createHash } from "node:crypto";
import type { JsonObject } from "../../core/action/index.ts";
import type { Instant } from "../../core/brand.ts";
import { formatInstant } from "../../core/ledger/index.ts";
import type { ActionRecord } from "../record.ts";

/** The version of OSCAL that the document follows: https://pages.nist.gov/OSCAL/ */
export const OSCAL_VERSION = "1.1.2";

/** NIST SP 800-53 rev. 5 controls that the entries are evidence about. Whether a control is met, an assessor says. */
export const CONTROLS_OBSERVED: readonly string[] = ["ac-3.2", "ac-5", "ac-6.9", "au-2", "au-3", "au-10", "au-12"];

/** What the document is about. Times are milliseconds since 1970. */
export type OscalSource = {
  readonly origin: string;
  readonly version: string;
  readonly from: number;
  readonly to: number;
  /** When the document was made. */
  readonly madeAt: number;
  /** Where the evidence lies, relative to the document or as a URL. */
  readonly evidence: string;
  /** The assessment plan that the results belong to; the evidence itself where there is none. */
  readonly plan?: string;
  readonly records: Iterable<ActionRecord>;
};

/**
 * OSCAL assessment-results: an observation for each action, and no finding. The same entries make the same ids.
 * https://pages.nist.gov/OSCAL-Reference/models/v1.1.2/assessment-results/json-reference/
 */
export function toOscal(source: OscalSource): JsonObject {
  const { origin, from, to, madeAt } = source;
  const observations = Array.from(source.records, (record) => observationOf(record, source));
  const name = `${origin} ${from} ${to}`;
  const result = {
    uuid: uuidOf(`${name} result`),
    title: "Privileged actions held for approval",
    description:
      "What the entries of a Keyturn ledger say of each action: who asked, who approved, when it ran, what came of it.",
    start: time(from),
    end: time(to),
    "reviewed-controls": {
      "control-selections": [{ "include-controls": CONTROLS_OBSERVED.map((id) => ({ "control-id": id })) }],
    },
    // An empty list is not valid OSCAL: a period without actions has no such member.
    ...(observations.length === 0 ? {} : { observations }),
  };
  return {
    "assessment-results": {
      uuid: uuidOf(`${name} ${madeAt}`),
      metadata: {
        title: "Keyturn: evidence of approvals",
        "last-modified": time(madeAt),
        version: source.version,
        "oscal-version": OSCAL_VERSION,
      },
      "import-ap": { href: source.plan ?? source.evidence },
      results: [result],
    },
  };
}

function observationOf(record: ActionRecord, { origin, evidence }: OscalSource): JsonObject {
  const { id, status, action, agent, entries, digest } = record;
  const indexes = entries.map(({ index }) => index).join(" ");
  const uuid = uuidOf(`${origin} ${id} ${indexes}`);
  return {
    uuid,
    title: `${action ?? "an erased action"}: ${status}`,
    description: sentence(record),
    methods: ["EXAMINE"],
    types: ["control-objective"],
    subjects: [
      { "subject-uuid": uuidOf(`${origin} agent ${agent ?? "erased"}`), type: "component", title: agent ?? "erased" },
    ],
    props: [
      property("request", id),
      property("status", status),
      property("entries", indexes),
      ...(digest === null ? [] : [property("digest", digest)]),
    ],
    "relevant-evidence": [{ href: evidence, description: `entries ${indexes} of ${origin}` }],
    collected: time(record.changedAt),
  };
}

function sentence({
  agent,
  action,
  resource,
  environment,
  approval,
  redeemed,
  completed,
  status,
}: ActionRecord): string {
  const what = `${agent ?? "An agent"} asked for ${action ?? "an action"} on ${resource?.id ?? "a resource"}`;
  const parts = [
    environment === null ? what : `${what} in ${environment}`,
    approval === null ? null : `approved by ${approval.by.join(", ") || "people"} at ${time(approval.at)}`,
    redeemed === null ? null : `released at ${time(redeemed.at)}`,
    completed === null ? null : `outcome ${completed.status} at ${time(completed.at)}`,
    `status ${status}`,
  ];
  return `${parts.filter((part) => part !== null).join("; ")}.`;
}

function property(name: string, value: string): JsonObject {
  return { name, ns: "urn:keyturn:oscal", value };
}

function time(at: number): string {
  return formatInstant(at as Instant);
}

/** Our namespace for RFC 9562 §5.5, which OSCAL's pattern for identifiers admits beside version 4. */
const NAMESPACE = Uint8Array.from([
  0x6b, 0x65, 0x79, 0x74, 0x75, 0x72, 0x4e, 0x01, 0x8c, 0x61, 0x6c, 0x65, 0x64, 0x67, 0x65, 0x72,
]);

/** A UUID of version 5: the same name always has the same. */
function uuidOf(name: string): string {
  const bytes = createHash("sha1").update(NAMESPACE).update(name).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
