import type { Json, JsonObject } from "../../core/action/index.ts";
import { EFFECTS, openFindings, quoted } from "../../core/risk/index.ts";
import type { Classification, Effect, Findings, FoundEffect } from "../../core/risk/index.ts";
import { EMBEDDED_MAX, findEmbedded } from "./embedded.ts";
import type { Embedded } from "./embedded.ts";

/** What a server says of its own tool (MCP 2025-11-25, ToolAnnotations): hints, from whoever wrote the server. */
export type ToolAnnotations = {
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
};

/** A call of a tool. `declaredEffects` come from the operator's catalogue, never from the server or the agent. */
export type ToolCall = {
  readonly server: string;
  readonly tool: string;
  readonly annotations?: ToolAnnotations;
  readonly declaredEffects?: readonly Effect[];
  readonly arguments?: JsonObject;
};

/** A classification, and the texts of the arguments that other classifiers must judge before the whole is known. */
export type ToolClassification = Classification & { readonly embedded: readonly Embedded[] };

/**
 * What a tool call does. The operator's declaration decides; hints and arguments only ever add. A tool that nobody declared
 * is opaque, however harmless it calls itself.
 */
export function classifyTool(call: ToolCall): ToolClassification {
  const found = openFindings();
  found.fact("mcp_server", call.server);
  found.fact("mcp_tool", call.tool);
  judgeHints(call.annotations ?? {}, found);
  judgeName(call.tool, found);
  const { embedded, whole } = findEmbedded(call.arguments ?? {});
  if (!whole) found.opaque(`The arguments have too many values, or more than ${EMBEDDED_MAX} texts to be judged.`);
  const declared = declaredEffects(call, found);
  judgeSecrets(call.arguments ?? {}, found);
  const { effects, ...rest } = found.done();
  return { ...rest, effects: merged(declared, effects), embedded };
}

/**
 * The whole of a call: its own classification and those of its embedded texts, in their order. A text that nobody could
 * classify is null, and makes the whole opaque.
 */
export function joinEmbedded(call: ToolClassification, judged: readonly (Classification | null)[]): Classification {
  const found = openFindings();
  for (const [at, { kind, pointer }] of call.embedded.entries()) {
    const one = judged[at] ?? null;
    if (one === null) found.opaque(`The ${kind} at ${quoted(pointer)} was not classified.`);
    else found.join(one);
  }
  // The call's own comes first, so that the operator's word keeps its provenance.
  const whole = openFindings();
  whole.join(call);
  if (call.embedded.length > 0) whole.join(found.done());
  return whole.done();
}

function declaredEffects({ server, tool, declaredEffects: listed = [] }: ToolCall, found: Findings): FoundEffect[] {
  const known = EFFECTS.filter((effect) => listed.includes(effect));
  const label = quoted(`${server}/${tool}`);
  if (known.length === 0) found.opaque(`Nobody declared what ${label} does. Add it to the catalogue.`);
  if (known.includes("opaque")) found.opaque(`The catalogue calls ${label} opaque.`);
  const plain = known.filter((effect) => effect !== "opaque");
  for (const effect of plain) found.effect(effect, `The catalogue names \`${effect}\` as an effect of ${label}.`);
  return plain.map((effect) => ({
    effect,
    because: `The catalogue names \`${effect}\` as an effect of ${label}.`,
    provenance: "operator",
  }));
}

/** The operator's word comes first, because whoever only parsed it may be wrong about who says so. */
function merged(declared: readonly FoundEffect[], parsed: readonly FoundEffect[]): readonly FoundEffect[] {
  return EFFECTS.flatMap(
    (effect) =>
      declared.find((found) => found.effect === effect) ?? parsed.find((found) => found.effect === effect) ?? [],
  );
}

/** Hints raise only. By the specification a tool without `readOnlyHint` may write and one without a hint may destroy. */
function judgeHints(hints: ToolAnnotations, found: Findings): void {
  if (hints.destructiveHint === true) found.effect("delete", "The server itself says that the tool may destroy.");
  if (hints.readOnlyHint === false) found.effect("write", "The server itself says that the tool does not only read.");
  if (hints.openWorldHint === true && hints.readOnlyHint !== true) {
    found.effect("network", "The server itself says that the tool reaches outside.");
  }
}

/** Verbs of a tool's name that contradict a harmless declaration. They raise only. */
const VERBS: readonly (readonly [RegExp, Effect])[] = [
  [/(?:^|[_.-])(?:delete|destroy|drop|purge|remove|rm|truncate|wipe|erase|uninstall)(?:[_.-]|$)/i, "delete"],
  [/(?:^|[_.-])(?:exec|execute|run|eval|shell|invoke|spawn)(?:[_.-]|$)/i, "execute"],
  [/(?:^|[_.-])(?:deploy|install|upgrade|rollout|release|publish)(?:[_.-]|$)/i, "deploy"],
  [/(?:^|[_.-])(?:grant|revoke|impersonate|assume)(?:[_.-]|$)/i, "escalate"],
  [/(?:^|[_.-])(?:send|post|upload|push|share)(?:[_.-]|$)/i, "network"],
];

function judgeName(tool: string, found: Findings): void {
  const name = tool.slice(0, 256).replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2");
  for (const [verb, effect] of VERBS) {
    if (verb.test(name)) found.effect(effect, `The name ${quoted(tool)} says that it does ${effect}.`);
  }
}

/** An argument that names a credential is no secret read, but worth knowing. */
function judgeSecrets(args: JsonObject, found: Findings): void {
  const names = Object.entries<Json>(args).filter(([name, value]) => typeof value === "string" && isCredential(name));
  for (const [name] of names.slice(0, EMBEDDED_MAX)) {
    found.trait("secret_access", `The argument ${quoted(name)} is a credential.`);
  }
}

function isCredential(name: string): boolean {
  return /^(?:password|passwd|secret|api_?key|access_?token|private_?key|credentials?)$/i.test(name.slice(0, 64));
}
