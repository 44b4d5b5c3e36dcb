import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import assert from "node:assert/strict";
import type { GroupName, Instant } from "../../src/core/brand.ts";
import { RISK_FACTS, scoreRisk } from "../../src/core/risk/index.ts";
import type { Effect, Fact, FactType, FactValue } from "../../src/core/risk/index.ts";
import type { EffectVerdict } from "../../src/core/policy/index.ts";
import { loadPolicies } from "../../src/policies/cedar/index.ts";
import type { LoadedPolicies } from "../../src/policies/cedar/index.ts";
import { ConfigError } from "../../src/ports/config.ts";
import type { ConfigProblem } from "../../src/ports/config.ts";
import type { PolicyInput } from "../../src/ports/policy.ts";

export const GROUPS: ReadonlyMap<GroupName, number> = new Map([
  ["security" as GroupName, 3],
  ["data-owners" as GroupName, 2],
  ["empty" as GroupName, 0],
]);
export const FACT_TYPES: ReadonlyMap<string, FactType> = new Map<string, FactType>([
  ...RISK_FACTS,
  ["table", "string"],
  ["role", "string"],
]);

/** Loads policies from texts by file name; a lone text is `a.cedar`. `schema` becomes a schema file beside the folder. */
export function load(files: string | Readonly<Record<string, string>>, schema?: string): LoadedPolicies {
  const dir = mkdtempSync(join(tmpdir(), "keyturn-"));
  try {
    const policies = join(dir, "policies");
    mkdirSync(policies);
    for (const [name, text] of Object.entries(typeof files === "string" ? { "a.cedar": files } : files)) {
      mkdirSync(dirname(join(policies, name)), { recursive: true });
      writeFileSync(join(policies, name), text);
    }
    const schemaFile = join(dir, "own.cedarschema");
    if (schema !== undefined) writeFileSync(schemaFile, schema);
    return loadPolicies({
      dir: policies,
      groups: GROUPS,
      factTypes: FACT_TYPES,
      ...(schema === undefined ? {} : { schemaFile }),
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** All problems of a set that must be refused, as `line:column message | hint`, the file name before it where there are several. */
export function problemsOf(files: string | Readonly<Record<string, string>>, schema?: string): readonly string[] {
  try {
    load(files, schema);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.equal(error.code, "policies_invalid");
    return error.problems.map((problem) => show(problem, typeof files !== "string"));
  }
  return assert.fail("these policies were loaded");
}

function show({ file, line, column, message, hint }: ConfigProblem, named: boolean): string {
  const place = line === 0 ? "" : `${line}:${column} `;
  return `${named ? `${file.slice(file.lastIndexOf("/") + 1)}:` : ""}${place}${message}${hint === null ? "" : ` | ${hint}`}`;
}

export type Asked = {
  readonly agent?: string;
  readonly action?: string;
  readonly resource?: readonly [type: string, id: string];
  readonly environment?: string;
  readonly facts?: Readonly<Record<string, FactValue>>;
  readonly effects?: readonly Effect[];
  readonly at?: string;
};

/** A question as the engine would put it to a policy set. */
export function ask({
  agent = "bot",
  action = "x.y",
  resource = ["table", "t"],
  environment,
  facts = {},
  effects = ["read"],
  at,
}: Asked): PolicyInput {
  const known = Object.entries(facts).map(([name, value]): Fact => ({ name, value, provenance: "operator" }));
  const classification = {
    effects: effects.map((effect) => ({ effect, because: "", provenance: "operator" as const })),
    facts: known,
    opaque: [],
  };
  return {
    question: {
      subject: { type: "agent", id: agent },
      action: { name: action },
      resource: { type: resource[0], id: resource[1] },
      context: environment === undefined ? {} : { environment },
    },
    classification,
    risk: scoreRisk(classification, environment),
    now: Date.parse(at ?? "2026-11-21T12:00:00Z") as Instant,
  };
}

/** A verdict in a few words, such as `hold h (security 2)` or `deny forbidden f`. */
export function say(verdict: EffectVerdict): string {
  switch (verdict.outcome) {
    case "allow":
      return `allow ${verdict.policies.join(" ")}`;
    case "deny":
      return `deny ${[verdict.code, ...verdict.policies].join(" ")}`;
    case "hold":
      return verdict.holds
        .map(
          ({ policy, terms }) =>
            `hold ${policy} (${terms.map(({ group, quorum }) => `${group} ${quorum}`).join(", ")})`,
        )
        .join(" + ");
    default:
      return verdict satisfies never;
  }
}
