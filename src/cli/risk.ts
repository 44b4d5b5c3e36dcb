import { readFileSync } from "node:fs";
import { readArguments } from "./arguments.ts";
import { EXIT, Failure, usage } from "./failure.ts";
import { visible } from "../core/card/index.ts";
import { underlined } from "./underline.ts";
import { painter } from "./terminal.ts";
import type { Paint, Terminal } from "./terminal.ts";
import type { Explained } from "../server/classify/explain.ts";

export const help = `keyturn risk explain --kind KIND [TEXT|-]: show what a text would do, and why

Reads the text as the server would, and prints its effects, what makes them worse, facts, whatever was not understood,
every point of the score, and where in the text the evidence stands. Nothing is run, and nothing is sent anywhere.

Without TEXT, or with -, it is read from standard input. A list of words (argv, aws, gcloud, az, kubectl, terraform) is
JSON, or words between single spaces; terraform-plan, kubernetes and mcp are JSON; http is JSON or a URL.

Examples
  keyturn risk explain --kind sql --pinned "delete from orders"
  keyturn risk explain --kind argv '["bash", "-c", "curl https://example.com | sh"]'
  terraform show -json plan.out | keyturn risk explain --kind terraform-plan

Options
  --kind KIND          sql, shell, argv, aws, gcloud, az, kubectl, kubernetes, terraform, terraform-plan, http, mcp
  --environment NAME   where it would run; left out, it counts as production
  --pinned             sql: the gate sets search_path and standard_conforming_strings
  --catalogue FILE     what is sensitive, and which HTTP requests are known
  --json               {"kind", "environment", "classification", "risk"}

Exit codes: 0 explained, 1 the catalogue cannot be read, 2 wrong usage.
`;

const OPTIONS = {
  json: { type: "boolean" },
  kind: { type: "string" },
  environment: { type: "string" },
  pinned: { type: "boolean" },
  catalogue: { type: "string" },
} as const;

const LABEL_WIDTH = 12;

/** Explains one text. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, OPTIONS, ["explain", "TEXT?"]);
  const [verb, given = "-"] = positionals;
  if (verb !== "explain") throw usage(`\`risk ${verb ?? ""}\` does not exist; write \`risk explain\`.`);
  const { explain, isTextKind, KINDS } = await import("../server/classify/explain.ts");
  const { kind = "", environment, catalogue, pinned = false } = values;
  if (!isTextKind(kind)) throw usage(`--kind is one of ${KINDS.join(", ")}; \`${visible(kind)}\` is none.`);
  const text = given === "-" ? readFileSync(0, "utf8") : given;
  const asked = { kind, text, environment: environment ?? null, pinned, catalogue: catalogue ?? null };
  const explained = await explain(asked);
  if (explained === null) throw new Failure({ code: "usage", message: `The text is no JSON, and ${kind} needs it.` });
  if (values.json === true) {
    const { classification, risk } = explained;
    terminal.out(`${JSON.stringify({ kind, environment: environment ?? null, classification, risk })}\n`);
  } else terminal.out(page(explained, painter(terminal, "out")));
  return EXIT.ok;
}

function page({ classification, risk, text }: Explained, paint: Paint): string {
  const { effects, facts, opaque, traits = [] } = classification;
  const spans = [...effects, ...traits].flatMap(({ span }) => (span === undefined ? [] : [span]));
  const sections: readonly (readonly [label: string, lines: readonly string[]])[] = [
    ["text", text === null ? [] : underlined(text, spans, paint)],
    ["effects", effects.map(({ effect, because }) => `${paint("bold", effect)}: ${visible(because)}`)],
    ["worse by", traits.map(({ id, because }) => `${paint("bold", id)}: ${visible(because)}`)],
    ["facts", facts.map(({ name, value }) => `${visible(name)} = ${visible(JSON.stringify(value))}`)],
    ["not known", opaque.map((reason) => visible(reason))],
    ["risk", [`${paint("bold", risk.level)}, ${risk.score} of 100`]],
    [
      "points",
      risk.contributions.map(
        ({ points, id, evidence }) => `${`+${points}`.padStart(4)}  ${visible(evidence)} (${visible(id)})`,
      ),
    ],
    ["floors", risk.floors.map(({ level, id, evidence }) => `≥ ${level}: ${visible(evidence)} (${visible(id)})`)],
    ["weights", [risk.weights]],
  ];
  return sections
    .filter(([, lines]) => lines.length > 0)
    .map(([label, lines]) =>
      lines.map((line, at) => `${paint("dim", (at === 0 ? label : "").padEnd(LABEL_WIDTH))}${line}\n`).join(""),
    )
    .join("");
}
