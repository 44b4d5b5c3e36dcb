/**
 * Runs the model of spec/model with Quint: `node tools/model.ts check [--samples N]` simulates it and holds it to its laws,
 * `mutants` does the same with every rule left out and wants each noticed, `traces [--count N]` writes
 * test/model/traces.jsonl anew. docs/model.md explains.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { LAWS, mutated, MUTANTS } from "../test/model/mutants.ts";
import { lineOf, MODEL, modelDigest, TRACES, type Op, type Seen, type Step, type Trace } from "../test/model/trace.ts";

const QUINT = fileURLToPath(import.meta.resolve("@informalsystems/quint/dist/src/cli.js"));
const STEPS = 30;
const SEED = "7";
const MUTANT_SAMPLES = 3000;
const WITNESSES = ["is_used", "is_voided", "is_over", "is_late"];

type Ran = { readonly code: number | null; readonly out: string };

function simulate(model: string, args: readonly string[]): Ran {
  const folder = mkdtempSync(join(tmpdir(), "keyturn-model-"));
  try {
    const file = join(folder, "approval.qnt");
    writeFileSync(file, model);
    // Its other engine is a program that it would download.
    const all = [QUINT, "run", file, "--backend=typescript", "--max-steps", String(STEPS), "--seed", SEED, ...args];
    const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: "utf8", maxBuffer: 2 ** 28 });
    return { code: status, out: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function check(model: string, samples: number): boolean {
  const args = ["--max-samples", String(samples), "--verbosity", "1", "--invariants", ...LAWS];
  const { code, out } = simulate(model, [...args, "--witnesses", ...WITNESSES]);
  console.log(out.trim());
  return code === 0;
}

function mutants(model: string): boolean {
  const missed = MUTANTS.filter((mutant) => {
    const noticed = brokenTrace(model, mutant) !== null;
    console.log(`${noticed ? "noticed" : "MISSED "}  ${mutant.law}: ${mutant.bug}`);
    return !noticed;
  });
  return missed.length === 0;
}

/** A trace of the mutated model that breaks its law; null when none was found. */
function brokenTrace(model: string, mutant: (typeof MUTANTS)[number]): Trace | null {
  const args = ["--max-samples", String(MUTANT_SAMPLES), "--verbosity", "0", "--invariant", mutant.law];
  const [trace] = tracesOf(mutated(model, mutant), args, mutant.bug);
  return trace ?? null;
}

function tracesOf(model: string, args: readonly string[], mutant: string | null): readonly Trace[] {
  const folder = mkdtempSync(join(tmpdir(), "keyturn-traces-"));
  try {
    const { code, out } = simulate(model, ["--out-itf", join(folder, "t_{seq}.itf.json"), ...args]);
    if (mutant !== null && code === 0) return [];
    const files = readdirSync(folder);
    if (files.length === 0) throw new Error(out);
    return files.map((file) => ({ mutant, steps: stepsOf(readFileSync(join(folder, file), "utf8")) }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Apalache's Informal Trace Format (ADR-015): integers and sets are wrapped. */
function stepsOf(text: string): readonly Step[] {
  const plain = (_: string, value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    if ("#bigint" in value) return Number(value["#bigint"]);
    if ("#set" in value) return value["#set"];
    return value;
  };
  const { states } = JSON.parse(text, plain) as {
    readonly states: readonly {
      readonly last: { readonly act: string; readonly inst: string; readonly op: Op; readonly result: string };
      readonly req: Seen;
    }[];
  };
  return states.map(({ last, req }) => ({ ...last, seen: seenOf(req) }));
}

/** Only what its status gives a meaning to, in one order. */
function seenOf({ status, version, approvals, barred, until, permit, exp, attempt }: Seen): Seen {
  return {
    status,
    version,
    approvals: approvals.toSorted(),
    barred: barred.toSorted(),
    until: status === "approved" ? until : 0,
    permit,
    exp: permit === "issued" ? exp : 0,
    attempt: permit === "redeemed" ? attempt : "",
  };
}

/** Writes the traces that reach most: first one for everything that can be told, then as they come. */
function traces(model: string, count: number): void {
  const args = ["--max-samples", String(count * 8), "--n-traces", String(count * 8), "--verbosity", "0"];
  const all = tracesOf(model, args, null);
  const reached = new Set<string>();
  const telling: Trace[] = [];
  const rest: Trace[] = [];
  for (const trace of all) {
    const news = trace.steps.map(
      ({ act, op, result, seen }) => `${act} ${op.kind} ${result} ${seen.status} ${seen.permit}`,
    );
    const isNew = news.some((one) => !reached.has(one));
    for (const one of news) reached.add(one);
    (isNew ? telling : rest).push(trace);
  }
  const broken = MUTANTS.flatMap((mutant) => brokenTrace(model, mutant) ?? []);
  const kept = [...telling, ...rest].slice(0, count);
  const lines = [JSON.stringify({ model: modelDigest(model) }), ...[...kept, ...broken].map(lineOf)];
  writeFileSync(TRACES, `${lines.join("\n")}\n`);
  console.log(`${kept.length} traces (${reached.size} kinds of step), ${broken.length} of mutants`);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { samples: { type: "string", default: "2000" }, count: { type: "string", default: "80" } },
});
const model = readFileSync(MODEL, "utf8");
const [command] = positionals;
if (command === "check") process.exitCode = check(model, Number(values.samples)) ? 0 : 1;
else if (command === "mutants") process.exitCode = mutants(model) ? 0 : 1;
else if (command === "traces") traces(model, Number(values.count));
else {
  console.error("node tools/model.ts check [--samples N] | mutants | traces [--count N]");
  process.exitCode = 2;
}
