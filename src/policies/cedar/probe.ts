import { EFFECTS, noMoment } from "../../core/risk/index.ts";
import type { FactType, FactValue } from "../../core/risk/index.ts";
import type { ConfigProblem } from "../../ports/config.ts";
import { momentRecord } from "./request.ts";
import { compile } from "./shards.ts";
import { fileProblem } from "./source.ts";
import type { SourceFile } from "./source.ts";

const SAMPLES: { readonly [T in FactType]: FactValue } = { integer: 1, string: "x", boolean: true, strings: ["x"] };

const BARE = { action: "x", traits: ["multiple"], risk: { score: 0, level: "low" }, hour: 0, weekday: 1 };

/**
 * Asks a schema of the operator's own what the engine will ask, once per effect, with all facts and with none: a schema
 * that refuses these would turn every question into a denial, and it is kinder to say so at load.
 */
export function probeSchema(schema: SourceFile, factTypes: ReadonlyMap<string, FactType>): readonly ConfigProblem[] {
  const evaluator = compile(schema.text, [], { sharded: false, hierarchy: true });
  const uid = { type: "Resource", id: "x/x" };
  const every = Object.fromEntries([...factTypes].map(([name, type]) => [name, sample(type)]));
  return EFFECTS.flatMap((effect) => {
    const refusals = [{ facts: every, environment: "x" }, { facts: {} }].flatMap((part) => {
      const answer = evaluator.evaluate({
        principal: { type: "Agent", id: "x" },
        action: { type: "Action", id: effect },
        resource: uid,
        context: { ...BARE, ...momentRecord(effect, noMoment(0)), ...part },
        entities: [{ uid, attrs: { type: "x", id: "x" }, parents: [] }],
      });
      return answer.type === "failure" ? answer.errors.map(({ message }) => message) : [];
    });
    const [first] = refusals;
    if (first === undefined) return [];
    const hint = "start from the generated schema, and only add to it";
    return [fileProblem(schema.name, `does not fit the questions about \`${effect}\`: ${first}`, hint)];
  });
}

function sample(type: FactType): boolean | number | string | string[] {
  const value = SAMPLES[type];
  return typeof value === "object" ? [...value] : value;
}
