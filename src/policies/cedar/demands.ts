import { CHANGES_MAX } from "../../core/policy/index.ts";
import type { Change, Demand } from "../../core/policy/index.ts";
import { parseJson } from "../../core/action/index.ts";
import type { FactType, PolicyId } from "../../core/risk/index.ts";
import { nearest } from "./nearest.ts";

type Complain = (about: string | null, message: string, hint: string) => void;

/** Characters of one annotation, and facts that one policy waits for. */
const CHARS_MAX = 2_000;
const FACTS_MAX = 8;
/** How deep a path may lead into the parameters. */
const STEPS_MAX = 8;

const PATH = "action\\.properties((?:\\.[A-Za-z][A-Za-z0-9_-]*)+)";
const CAP = new RegExp(`^${PATH}\\s*<=\\s*([0-9]{1,15})$`);
const SET = new RegExp(`^${PATH}\\s*=\\s*(.+)$`);
const REMOVE = new RegExp(`^remove\\s+${PATH}$`);
const EXAMPLE =
  '@modify("action.properties.limit <= 1000"), ("action.properties.mask = true"), ("remove action.properties.columns"), or several with `;` between them';

/** Reads `@modify`: what the stricter action is. */
export function readModify(written: string | null, complain: Complain): readonly Change[] {
  const parts = split(written ?? "");
  if (parts.length === 0 || parts.length > CHANGES_MAX || (written ?? "").length > CHARS_MAX) {
    complain("modify", "`@modify` says nothing that can be done", `write ${EXAMPLE}`);
    return [];
  }
  return parts.flatMap((part) => {
    const change = changeOf(part);
    if (change === null) complain("modify", `\`@modify\` does not understand \`${part}\``, `write ${EXAMPLE}`);
    return change === null ? [] : [change];
  });
}

/** Reads `@defer`: the facts that have to be known first. */
export function readDefer(
  written: string | null,
  factTypes: ReadonlyMap<string, FactType>,
  complain: Complain,
): readonly string[] {
  const names = (written ?? "").split(",").map((name) => name.trim());
  for (const name of names.filter((one) => !factTypes.has(one))) {
    const meant = nearest(name, [...factTypes.keys()]);
    const hint = meant === null ? `known: ${[...factTypes.keys()].sort().join(", ")}` : `did you mean \`${meant}\`?`;
    complain("defer", name === "" ? "`@defer` names no fact" : `there is no fact \`${name}\``, hint);
  }
  if (names.length > FACTS_MAX) complain("defer", `\`@defer\` names more than ${FACTS_MAX} facts`, "wait for fewer");
  return [...new Set(names)].sort();
}

/** A demand as core knows it. */
export function demandOf(
  id: PolicyId,
  because: string,
  read: { readonly changes: readonly Change[] } | { readonly facts: readonly string[]; readonly expiresInMs: number },
): Demand {
  return "changes" in read
    ? { kind: "modify", policy: id, because, ...read }
    : { kind: "defer", policy: id, because, ...read };
}

/** At every `;` that is not within a string of JSON. */
function split(text: string): readonly string[] {
  const parts = text.match(/(?:"(?:\\.|[^"\\])*"|[^;"]|")+/g) ?? [];
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

function changeOf(part: string): Change | null {
  const [, removed] = REMOVE.exec(part) ?? [];
  if (removed !== undefined) return within({ op: "remove", path: stepsOf(removed) });
  const [, capped, max] = CAP.exec(part) ?? [];
  if (capped !== undefined) return within({ op: "cap", path: stepsOf(capped), max: Number(max) });
  const [, set, value = ""] = SET.exec(part) ?? [];
  if (set === undefined) return null;
  try {
    return within({ op: "set", path: stepsOf(set), value: parseJson(value) });
  } catch {
    return null;
  }
}

function within(change: Change): Change | null {
  return change.path.length <= STEPS_MAX ? change : null;
}

function stepsOf(dotted: string): readonly string[] {
  return dotted.slice(1).split(".");
}
