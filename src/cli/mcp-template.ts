import type { InspectedTool } from "../gates/mcp/index.ts";
import { visible } from "../core/card/index.ts";

/** What a tool seems to do, and by what: a start for an operator, who knows better. */
export type Suggestion = { readonly effects: readonly string[]; readonly because: string };

/** Verbs in a tool's name, the more dangerous first. All that fit count. */
const VERBS: readonly (readonly [RegExp, string])[] = [
  [/(?:delete|destroy|drop|purge|remove|rm|truncate|wipe|erase|uninstall)/, "delete"],
  [/(?:exec|execute|run|eval|shell|invoke|spawn|call|trigger|sql|query)/, "execute"],
  [/(?:deploy|install|upgrade|rollout|release|publish|merge)/, "deploy"],
  [/(?:grant|revoke|impersonate|assume|invite|permission|role)/, "escalate"],
  [/(?:send|post|upload|push|share|fetch|request|browse|navigate|email)/, "network"],
  [/(?:secret|credential|password|token)s?/, "secret.read"],
  [/(?:export|download|dump|backup)/, "export"],
  [/(?:write|create|update|edit|set|add|put|move|rename|insert|append|save|patch|copy|fork|close|assign)/, "write"],
];
const READS = /^(?:get|list|read|search|find|describe|show|view|count|check|lookup|status|tree|stat|head)$/;
/** Facts that are suggested for one tool. */
const FACTS_MAX = 12;

/** Names and the server's own hints. A hint that something is harmless counts only where its name does not say otherwise. */
export function suggest({ name, hints }: InspectedTool): Suggestion {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  const found = VERBS.filter(([verb]) => words.some((word) => new RegExp(`^${verb.source}$`).test(word)));
  const named = found.map(([, effect]) => effect);
  const destroys = hints["destructiveHint"] === true && hints["readOnlyHint"] !== true ? ["delete"] : [];
  const effects = [...new Set([...named, ...destroys])];
  if (effects.length > 0) return { effects, because: destroys.length > 0 ? "its name, its server's hint" : "its name" };
  if (words.some((word) => READS.test(word))) return { effects: ["read"], because: "its name" };
  if (hints["readOnlyHint"] === true) return { effects: ["read"], because: "its server's word alone" };
  return { effects: [], because: "nothing says what it does" };
}

/** Entries for the operator's catalogue, with what each argument could tell a policy. */
export function catalogueText(server: string, tools: readonly InspectedTool[]): string {
  const entries = tools.map((tool) => {
    const { effects, because } = suggest(tool);
    const says = oneLine(tool.description ?? tool.title ?? "");
    const key = JSON.stringify(`mcp.call.${server}.${tool.name}`);
    const known = effects.length > 0;
    const title = tool.title === null ? "" : ` title: ${JSON.stringify(oneLine(tool.title))},`;
    const entry = `  ${known ? "" : "# "}${key}: {${title} effects: [${effects.join(", ")}] }`;
    return [
      `  # ${says === "" ? "(its server says nothing of it)" : says}`,
      `${entry} # ${because}`,
      ...factLines(tool),
    ];
  });
  return `# Tools of ${server}, as it lists them. Its words stand in the comments, and are nothing but that. Read every line, correct
# the effects, and put the entries into \`actions\` of your catalogue. A tool without an entry is opaque, and never passes.
# Where an argument is a command, SQL or an address, say so: texts: [{ from: action.properties.arguments, as: mcp }]
actions:
${entries.flat().join("\n")}
`;
}

/** Policies to start from: what reads passes, what changes waits for people. */
export function policyText(server: string, approvers: string): string {
  const when = `when { context.action like "mcp.call.${server}.*" }`;
  const held = ["write", "network", "deploy", "execute", "export"].map((effect) => `Action::"${effect}"`).join(", ");
  return `// Calls of the tools of ${server}. Say who approves, and for which tools less or more is right.

@id("mcp-${server}-read")
permit (principal, action == Action::"read", resource)
${when};

@id("mcp-${server}-change") @because("A tool of ${server} changes something, or sends something out.")
@hold @approvers("${approvers}") @expires("1h")
forbid (principal, action in [${held}], resource)
${when};

@id("mcp-${server}-destroy") @because("A tool of ${server} destroys something, or gives power away.")
@hold @approvers("${approvers}") @quorum("2") @expires("1h")
forbid (principal, action in [Action::"delete", Action::"escalate", Action::"secret.read", Action::"opaque"], resource)
${when};

// What is not called but read: mcp.read and mcp.prompt. They name the server in their resource.
@id("mcp-${server}-look")
permit (principal, action == Action::"read", resource)
when { (context.action == "mcp.read" || context.action == "mcp.prompt") && resource.id like "${server}/*" };
`;
}

const TYPES: Readonly<Record<string, string>> = { integer: "integer", string: "string", boolean: "boolean" };

/** What a policy could compare, by the types of the tool's own schema; off until an operator wants it. */
function factLines({ name, inputSchema }: InspectedTool): readonly string[] {
  const { properties = {} } = inputSchema;
  const members = typeof properties === "object" && properties !== null ? Object.entries(properties) : [];
  const facts = members.flatMap(([member, schema]) => {
    const type = TYPES[String((schema as { readonly type?: unknown } | null)?.type)];
    const plain = /^[a-z][a-z0-9_]{0,40}$/.test(member) && type !== undefined;
    const fact = `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_")}_${member}`;
    return plain ? [`  #   ${fact}: { from: action.properties.arguments.${member}, type: ${type} }`] : [];
  });
  return facts.length === 0 ? [] : ["  # facts:", ...facts.slice(0, FACTS_MAX)];
}

/** A server's words as one line of a comment. */
function oneLine(text: string): string {
  const line = visible(text.replaceAll(/\s+/g, " ").trim());
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}
