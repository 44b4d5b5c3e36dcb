import { loadCatalogue, TEXT_KINDS } from "../../classifiers/declared/index.ts";
import type { TextKind } from "../../classifiers/declared/index.ts";
import type { Json } from "../../core/action/index.ts";
import { scoreRisk } from "../../core/risk/index.ts";
import type { Classification, Risk } from "../../core/risk/index.ts";
import { openReader } from "./read.ts";

/** One text, as somebody at a terminal writes it. */
export type Asked = {
  readonly kind: TextKind;
  readonly text: string;
  readonly environment: string | null;
  readonly pinned: boolean;
  /** A `catalogue.yaml` that says what is sensitive. */
  readonly catalogue: string | null;
};

/** What was found; `text` is null where the evidence has no place in it. */
export type Explained = {
  readonly classification: Classification;
  readonly risk: Risk;
  readonly text: string | null;
};

/** Every kind that a text can be read as. */
export const KINDS: readonly TextKind[] = TEXT_KINDS;

/** Whether a word is the name of a kind. */
export function isTextKind(kind: string): kind is TextKind {
  return TEXT_KINDS.some((one) => one === kind);
}

/** Reads and scores one text in this thread, as a worker of the server would; null when its kind needs JSON and it is none. */
export async function explain({ kind, text, environment, pinned, catalogue }: Asked): Promise<Explained | null> {
  const value = valueOf(kind, text);
  if (value === undefined) return null;
  const settings = catalogue === null ? { resources: [], requests: [] } : loadCatalogue(catalogue);
  const reader = await openReader(settings);
  const tool = kind === "mcp" ? { name: "", effects: [] } : null;
  const classification = reader.read({ kind, value, pointer: "", pinned, tool });
  const risk = scoreRisk(classification, environment ?? undefined);
  return { classification, risk, text: typeof value === "string" && kind !== "terraform-plan" ? text : null };
}

function valueOf(kind: TextKind, text: string): Json | undefined {
  switch (kind) {
    case "sql":
    case "shell":
    case "terraform-plan": // parsed by its reader, with the limits of plans
      return text;
    case "http":
      return text.trimStart().startsWith("{") ? json(text) : text.trim();
    case "argv":
    case "aws":
    case "gcloud":
    case "az":
    case "kubectl":
    case "terraform":
      return text.trimStart().startsWith("[") ? json(text) : text.trim().split(/ +/);
    case "kubernetes":
    case "mcp":
      return json(text);
    default:
      return kind satisfies never;
  }
}

function json(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
