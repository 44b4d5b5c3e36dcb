import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { MUTANTS } from "./mutants.ts";

const TOOL = fileURLToPath(new URL("../../tools/model.ts", import.meta.url));
const SAMPLES = 500;
/** Under half a minute on two idle cores. */
const TIMEOUT_MS = 10 * 60_000;

async function run(...args: readonly string[]): Promise<{ readonly code: number | null; readonly out: string }> {
  const child = spawn(process.execPath, [TOOL, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, "exit") as Promise<[number | null]>]);
  return { code, out };
}

test(
  "Quint finds no law broken in the model, and every law broken in a model without its rule",
  { timeout: TIMEOUT_MS },
  async (t) => {
    const [checked, mutants] = await Promise.all([run("check", "--samples", String(SAMPLES)), run("mutants")]);
    t.diagnostic(checked.out.trim());
    assert.match(checked.out, /No violation found/);
    assert.equal(checked.code, 0, checked.out);
    // What samples never reach proves nothing: a use, a voided approval, an end in time and one that came too late.
    const seen = [...checked.out.matchAll(/^(is_\w+) was witnessed in (\d+) trace/gm)].map(([, name, times]) => [
      name,
      Number(times) > 0,
    ]);
    assert.deepEqual(seen, [
      ["is_used", true],
      ["is_voided", true],
      ["is_over", true],
      ["is_late", true],
    ]);
    assert.equal(mutants.code, 0, mutants.out);
    assert.equal(mutants.out.match(/^noticed /gm)?.length, MUTANTS.length, mutants.out);
  },
);
