// A pattern that a hostile text can make slow stops a server, or makes a worker give up. Both are looked for: in the
// patterns as they are written, and in what readings cost.
import assert from "node:assert/strict";
import { sep } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openPool, POOL_LIMITS } from "../../src/server/classify/pool.ts";
import { openReader } from "../../src/server/classify/read.ts";
import type { Text } from "../../src/server/classify/text.ts";
import { patternsIn, problemOf } from "../../tools/patterns.ts";
import { readRows } from "../support/actions.ts";
import { House } from "../support/house.ts";

/** Patterns that the check cannot follow, each with the reason why it is safe. */
const SAFE: ReadonlyMap<string, string> = new Map([
  ["classifiers/mcp/embedded.ts", "a look-ahead keeps the star inside a comment from being its end"],
  ["policies/cedar/demands.ts", "it reads the operator's policies, and nothing behind its repeat can fail"],
]);

const WRONG: readonly (readonly [pattern: string, wrong: boolean])[] = [
  ["/(a+)+$/", true],
  ["/(?:a*)*b/", true],
  ["/(a|ab)*c/", true],
  ["/(?:[a-z]|\\w)+$/", true],
  ["/(\\w+\\s?)*$/", true],
  ["/a*a*b/", true],
  ["/\\s*;?\\s*$/", true],
  ["/(?:\\.[a-z]+)*$/", false],
  ["/^(?:[a-z]+,)*$/", false],
  ["/\"(?:\\\\.|[^\"\\\\])*\"/", false],
  ["/^a+b+c*$/u", false],
]; // prettier-ignore

test("input.regex-dos: no pattern repeats what repeats, or wants the same characters twice in a row", () => {
  for (const [pattern, wrong] of WRONG) assert.equal(problemOf(pattern) !== null, wrong, pattern);
  const source = fileURLToPath(new URL("../../src", import.meta.url));
  const patterns = patternsIn([source]);
  assert.ok(patterns.length > 400, "the patterns are not found any more");
  const wrong = patterns.flatMap(({ file, line, text }) => {
    const name = file.slice(source.length + 1).replaceAll(sep, "/");
    const problem = SAFE.has(name) ? null : problemOf(text);
    return problem === null ? [] : [`${name}:${line}: ${problem}: ${text}`];
  });
  assert.deepEqual(wrong, []);
});

/** What makes backtracking slow: one character again and again, then something that does not fit. */
const PUMPS: readonly string[] = [
  ..."a|0| |\t|\n|-|--|/|.|..|,|=|:|;|'|\"|`|$|${|$(|((|[|[[|{|{a,|<|<<|>|&|*|?|!|#|@|%|+|~|_|^|\\".split("|"),
  ..."||¦a.¦a-¦a=¦a,¦a ¦ a¦a:¦a/¦../¦-a ¦''¦\"\"¦\\\\¦/*¦-- ¦%2¦A_¦a|¦aA¦\u00e9".split("¦"),
];
const ENDS = ["", "\u0001", "!", "'"];

/** The longest text of each kind that is read at all, or that a question may hold. */
const LIMITS: readonly (readonly [Text["kind"], number])[] = [
  ["shell", 65_536],
  ["sql", 262_144],
  ["argv", 65_536],
  ["aws", 65_536],
  ["gcloud", 65_536],
  ["az", 65_536],
  ["kubectl", 65_536],
  ["terraform", 65_536],
  ["http", 65_536],
  ["mcp", 65_536],
];

/**
 * Milliseconds of processor time that mean a hang rather than a busy machine: twenty times what the pool gives a text. What
 * grows with the square of the length takes much longer at these lengths.
 */
const HANG_MS = 20 * POOL_LIMITS.textMs;

/** Around the repeat stands what brings it to the patterns: a head, an option, a program. */
function valueOf(kind: Text["kind"], text: string): readonly Text["value"][] {
  switch (kind) {
    case "sql":
      return [text, `select '${text.replaceAll("'", "")}' from t`];
    case "shell":
      return [text, `sed '${text.replaceAll("'", "")}' x`, `cat "${text.replaceAll(/["$`\\]/g, "")}"`];
    case "http":
      return [text, `https://${text}`, `https://h.example/${text}?${text}`];
    case "mcp":
      return [{ query: text }];
    case "aws":
      return [[text], ["s3", "cp", text, text]];
    default:
      return [[text], ["awk", text], ["get", text, `--${text}`]];
  }
}

test("input.regex-dos: no repeat of any length holds a classifier up", { timeout: 110_000 }, async (context) => {
  const pool = openPool({ resources: [], requests: [] }, { ...POOL_LIMITS, workers: 1 });
  const reader = await openReader({ resources: [], requests: [] });
  const late: string[] = [];
  let texts = 0;
  let slowest = 0;
  for (const [kind, limit] of LIMITS) {
    for (const [place, pump] of PUMPS.entries()) {
      const end = ENDS[place % ENDS.length] ?? "";
      const repeated = pump.repeat(Math.floor((limit - 100) / pump.length)) + end;
      for (const value of valueOf(kind, repeated)) {
        const text: Text = { kind, value, pointer: "", pinned: true, tool: null };
        texts += 1;
        const before = process.cpuUsage();
        reader.read(text);
        const { user } = process.cpuUsage(before);
        slowest = Math.max(slowest, user);
        if (user > 1_000 * HANG_MS) late.push(`${kind} ${JSON.stringify(pump)} ${Math.round(user / 1_000)} ms`);
      }
    }
  }
  context.diagnostic(`${texts} texts, the slowest ${Math.round(slowest / 1_000)} ms`);
  assert.deepEqual(late, []);
  // What a whole limit of one character costs may be more than the pool gives; then it is opaque, and the next is read.
  const [long, short] = ["(".repeat(1_000_000), "select 1"].map(
    (value): Text => ({ kind: "sql", value, pointer: "", pinned: true, tool: null }),
  );
  assert.ok(long !== undefined && short !== undefined);
  assert.ok((await pool.read(long)).opaque.length > 0);
  assert.deepEqual((await pool.read(short)).opaque, []);
}); // prettier-ignore

test("input.regex-dos: the server answers repeats in every part of a question, and others meanwhile", async () => {
  await using house = await House.open();
  const gate = await house.gate();
  for (const pump of PUMPS) {
    const many = (characters: number): string => pump.repeat(Math.ceil(characters / pump.length)) + "\u00a0";
    const questions = [
      readRows(1, { context: { reason: many(1_500) } }),
      readRows(1, { context: { declared: { effects: [many(900_000)] } } }),
      { ...readRows(1), action: { name: many(500) } },
      { ...readRows(1), resource: { type: many(100), id: many(900_000) } },
      { [many(900_000)]: 1 },
    ];
    const sent = questions.map(async (question) => gate.send("POST", "/access/v1/evaluation", JSON.stringify(question)));
    for (const { status } of await Promise.all(sent)) assert.ok(status < 500, `${pump}: ${status}`);
  }
  const plain = await gate.send("POST", "/access/v1/evaluation", JSON.stringify(readRows(1)));
  assert.equal(plain.status, 200);
}); // prettier-ignore
