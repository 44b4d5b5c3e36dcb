// Traces of the model as they are kept: one line for each, made by `node tools/model.ts traces`.
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";

/** The request as the model has it; what does not matter in its status is empty. */
export type Seen = {
  readonly status: string;
  readonly version: number;
  readonly approvals: readonly string[];
  readonly barred: readonly string[];
  readonly until: number;
  readonly permit: string;
  readonly exp: number;
  readonly attempt: string;
};
export type Op = {
  readonly kind: string;
  readonly who: string;
  readonly gate: string;
  readonly permit: { readonly gate: string; readonly exp: number };
  readonly attempt: string;
};
/** One step: what was done by whom, what it was told, and the request afterwards. */
export type Step = {
  readonly act: string;
  readonly inst: string;
  readonly op: Op;
  readonly result: string;
  readonly seen: Seen;
};
/** `mutant` names the change of the model that it comes from; null is the model as it stands. */
export type Trace = { readonly mutant: string | null; readonly steps: readonly Step[] };
/** `model` is the SHA-256 of the model's text without comments that the traces were made from. */
export type Traces = { readonly model: string; readonly traces: readonly Trace[] };

export const MODEL: URL = new URL("../../spec/model/approval.qnt", import.meta.url);
export const TRACES: URL = new URL("./traces.jsonl", import.meta.url);

/** Names a model's text; comments may change without new traces. */
export function modelDigest(text: string): string {
  const lines = text.split("\n").map((line) => line.replace(/\/\/.*$/, "").trimEnd());
  return hash("sha256", lines.filter(Boolean).join("\n"));
}

type Row = readonly [
  act: string,
  inst: string,
  op: readonly [kind: string, who: string, gate: string, of: string, exp: number, attempt: string],
  result: string,
  seen: readonly [string, number, string, string, number, string, number, string],
];

/** A trace in one line. */
export function lineOf({ mutant, steps }: Trace): string {
  const rows = steps.map(({ act, inst, op, result, seen }): Row => {
    const { status, version, approvals, barred, until, permit, exp, attempt } = seen;
    const asked = [op.kind, op.who, op.gate, op.permit.gate, op.permit.exp, op.attempt] as const;
    return [
      act,
      inst,
      asked,
      result,
      [status, version, approvals.join(" "), barred.join(" "), until, permit, exp, attempt],
    ];
  });
  return JSON.stringify({ mutant, rows });
}

/** Reads what `lineOf` wrote, after a first line that names the model. */
export function readTraces(): Traces {
  const [first = "{}", ...lines] = readFileSync(TRACES, "utf8").trimEnd().split("\n");
  const { model } = JSON.parse(first) as { readonly model: string };
  return { model, traces: lines.map(traceOf) };
}

function traceOf(line: string): Trace {
  const { mutant, rows } = JSON.parse(line) as { readonly mutant: string | null; readonly rows: readonly Row[] };
  const words = (text: string): readonly string[] => text.split(" ").filter(Boolean);
  const steps = rows.map(([act, inst, [kind, who, gate, of, until, by], result, row]): Step => {
    const [status, version, approvals, barred, end, permit, exp, attempt] = row;
    const op = { kind, who, gate, permit: { gate: of, exp: until }, attempt: by };
    const people = { approvals: words(approvals), barred: words(barred) };
    return { act, inst, op, result, seen: { status, version, ...people, until: end, permit, exp, attempt } };
  });
  return { mutant, steps };
}
