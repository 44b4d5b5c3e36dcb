import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

/** Reads texts by the thousand in a worker, as a server does that people and agents keep busy. */
const READS = `
  const { openPool } = await import(${JSON.stringify(new URL("../../src/server/classify/pool.ts", import.meta.url))});
  const texts = openPool({ resources: [], requests: [] });
  for (let n = 0; n < 5_000; n += 1) {
    const kind = n % 2 === 0 ? "sql" : "shell";
    const value = kind === "sql" ? "select id from t where id = " + n : "grep -c x f" + n;
    await texts.read({ kind, value, pointer: "", pinned: true, tool: null });
  }
  process.exit();
`;

test("however much is read, V8 compiles no step from WebAssembly to JavaScript that threads would share", async () => {
  // A process of its own, since the flags of this one are those of all tests.
  const flags = ["--wasm-wrapper-tiering-budget=1000", "--trace-wasm-compilation-times"];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, "--eval", READS], { maxBuffer: 2 ** 26 });
  const told = stdout.split("\n");
  assert.ok(
    told.some((line) => line.startsWith("Compiled function ")),
    "V8 tells what it compiles",
  );
  assert.deepEqual(
    told.filter((line) => line.startsWith("Compiled WasmToJS wrapper ")),
    [],
  );
});
