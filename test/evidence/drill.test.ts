// The auditor's drill: a fresh folder, the pack, and tools of Debian and npm. Nothing of ours runs from here on but the few
// lines of glue in the pack, which are copied out of it and could be typed from README.txt.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { run } from "../../src/cli/evidence.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { debian, ran, SIGSTORE } from "../peers/tools.ts";
import type { Ran } from "../peers/tools.ts";
import { openBrowser, noBrowser } from "../support/browser.ts";
import { Month } from "./month.ts";

let dir: string;
let month: Month;
/** Where the auditor unpacked it, and the key that they had before. */
let pack: string;
let vkey: string;
const told = { out: "", err: "" };

/** Writes a pack, and answers its exit code. */
async function evidence(...args: readonly string[]): Promise<number> {
  Object.assign(told, { out: "", err: "" });
  const terminal: Terminal = {
    out: (text) => void (told.out += text),
    err: (text) => void (told.err += text),
    env: { PATH: process.env["PATH"], CHROMIUM: process.env["CHROMIUM"] },
    cwd: dir,
    interactive: false,
    screen: { out: false, err: false },
    colour: { out: false, err: false },
    columns: 80,
    ask: () => Promise.resolve(""),
  };
  const { url, operator } = month.house;
  return run([...args, "--url", url, "--token", operator.token ?? ""], terminal);
}

function unpack(archive: string): string {
  const to = mkdtempSync(join(dir, "auditor-"));
  const { code, err } = ran("tar", ["-xf", join(dir, archive), "-C", to]);
  assert.equal(code, 0, err);
  return join(to, readdirSync(to)[0] ?? "");
}

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "keyturn-drill-"));
  month = await Month.open();
  await month.live(0, 8);
  vkey = (await month.house.anyone.get("/ledger/vkey")).text.trim();
  writeFileSync(join(dir, "kept"), (await month.house.operator.get("/ledger/checkpoint")).text);
  await month.live(8, 10);
  const period = ["--from", "2026-10-02", "--to", "2026-10-06"];
  const sample = ["--sample", "3", "--nonce", "harvest moon", "--kept", "kept"];
  assert.equal(await evidence(...period, ...sample, "--out", "october.tar"), 0, told.out + told.err);
  pack = unpack("october.tar");
});

after(async () => {
  await month[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

function json<T>(path: string, from: string = pack): T {
  return JSON.parse(readFileSync(join(from, path), "utf8")) as T;
}

const manifest = (folder: string): Ran =>
  ran("sh", ["-c", 'cd "$0" && sha256sum --check --strict --quiet MANIFEST.sha256', folder]);
const openssl = (folder: string): Ran => ran("sh", [join(folder, "verify/openssl.sh"), vkey]);
const python = (folder: string): Ran => ran("python3", [join(folder, "verify/disclosures.py")]);

let program: string | null = null;
/** golang.org/x/mod/sumdb over a pack, built once from the source in the auditor's pack. */
function xmod(folder: string): Ran {
  if (program === null) {
    const built = join(dir, "xmod");
    const env = {
      GO111MODULE: "off",
      GOPATH: "/usr/share/gocode",
      GOCACHE: join(dir, "gocache"),
      GOFLAGS: "",
      GOTOOLCHAIN: "local",
    };
    const { code, err } = ran("/usr/bin/go", ["build", "-o", built, join(pack, "verify/xmod.go")], "", env);
    assert.equal(code, 0, err);
    program = built;
  }
  return ran(program, [folder, vkey]);
}

/** A copy of the pack with one file changed; the auditor would recompute the manifest as well, if they were the forger. */
function forged(path: string, change: (bytes: Buffer) => Buffer | string): string {
  const to = mkdtempSync(join(dir, "forged-"));
  cpSync(pack, to, { recursive: true });
  writeFileSync(join(to, path), change(readFileSync(join(to, path))));
  return to;
}

const flipped = (at: number): ((bytes: Buffer) => Buffer) => {
  return (bytes) => {
    const place = at < 0 ? bytes.length + at : at;
    bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
    return bytes;
  };
};
const swapped = (from: string | RegExp, to: string): ((bytes: Buffer) => string) => {
  return (bytes) => {
    const text = bytes.toString().replace(from, to);
    assert.notEqual(text, bytes.toString(), "the forger changed nothing");
    return text;
  };
};

test("drill: coreutils and OpenSSL find the files whole and the checkpoint signed, and notice what was changed", (t) => {
  const missing = debian(["/usr/bin/openssl"], ["openssl"]);
  if (missing !== null) return t.skip(missing);
  assert.deepEqual(manifest(pack), { code: 0, out: "", err: "" });
  const listed = readFileSync(join(pack, "MANIFEST.sha256"), "utf8").split("\n").length - 1;
  const files = readdirSync(pack, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.equal(files.length, listed + 1, "every file but the manifest is in it");
  const { code, out, err } = openssl(pack);
  assert.equal(code, 0, err);
  assert.match(out, /Verified Successfully/);

  for (const path of ["report.html", "actions/records.jsonl", "ledger/payloads/000.jsonl", "verify/xmod.go"]) {
    assert.notEqual(manifest(forged(path, flipped(50))).code, 0, path);
  }
  const { size } = json<{ size: number }>("pack.json");
  assert.notEqual(openssl(forged("ledger/checkpoint", swapped(`\n${size}\n`, `\n${size - 1}\n`))).code, 0, "the size");
  assert.notEqual(openssl(forged("ledger/checkpoint", flipped(-12))).code, 0, "the signature");
});

test("drill: golang.org/x/mod/sumdb proves tree, period and receipts, and notices what was changed", (t) => {
  const library = "/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog";
  const missing = debian(["/usr/bin/go", library], ["golang-go", "golang-golang-x-mod-dev"]);
  if (missing !== null) return t.skip(missing);
  const { range, size } = json<{ range: { first: number; end: number }; size: number }>("pack.json");
  assert.ok(range.first > 0 && range.end < size && size > 256, "the period lies within the ledger, over several tiles");
  const { code, out, err } = xmod(pack);
  assert.equal(code, 0, err);
  assert.match(out, new RegExp(`inclusion of ${size} entries`));
  assert.match(
    out,
    new RegExp(`the period is entries ${range.first} to ${range.end - 1}: ${range.end - range.first} entries`),
  );
  assert.match(out, /goes on from the kept checkpoint of [0-9]+ entries/);
  const receipt = readdirSync(join(pack, "receipts"))[0] ?? assert.fail("there is no receipt");

  const changes: readonly (readonly [string, string, (bytes: Buffer) => Buffer | string])[] = [
    ["a header", "ledger/tile/entries/000", flipped(60)],
    ["a hash", "ledger/tile/0/000", flipped(60)],
    ["the signature", "ledger/checkpoint", flipped(-12)],
    ["an earlier start", "range/start", swapped(`\n${range.first}\n`, `\n${range.first - 1}\n`)],
    ["a later end", "range/end", swapped(`\n${range.end}\n`, `\n${range.end + 1}\n`)],
    ["another root of the start", "range/start", swapped(/(\n)(.)([^\n]*=\n)$/, "$1$2A$3")],
    ["the proof of the period", "range/start-to-end.proof", flipped(4)],
    ["the proof to the signed head", "range/end-to-signed.proof", flipped(4)],
    ["the checkpoint that was kept", "range/kept", flipped(-12)],
    ["the leaf of a receipt", `receipts/${receipt}`, swapped("extra e", "extra f")],
  ];
  for (const [name, path, change] of changes) assert.equal(xmod(forged(path, change)).code, 1, name);
});

test("drill: Python's standard library recomputes root, disclosures and sample, and notices what was changed", (t) => {
  const missing = debian(["/usr/bin/python3"], ["python3"]);
  if (missing !== null) return t.skip(missing);
  const { code, out, err } = python(pack);
  assert.equal(code, 0, err);
  assert.match(
    out,
    /entries under the root; [1-9][0-9]* payloads as committed; period: entries [0-9]+ to [0-9]+\n0 signatures as their entries have them\nsample of 3/,
  );
  const disclosed = readFileSync(join(pack, "ledger/payloads/000.jsonl"), "utf8").split("\n");
  const at = disclosed.findIndex(
    (line) => line.includes('"type":"review.recorded"') && !line.includes('"payload":null'),
  );
  const line = JSON.parse(disclosed[at] ?? "") as { payload: string };
  const other = Buffer.from(line.payload, "base64").toString().replace('"person":"', '"person":"x');
  const changes: readonly (readonly [string, string, (bytes: Buffer) => Buffer | string])[] = [
    ["another approver", "ledger/payloads/000.jsonl", swapped(line.payload, Buffer.from(other).toString("base64"))],
    ["a header", "ledger/tile/entries/000", swapped('"outcome":"allow"', '"outcome":"allot"')],
    ["another drawn item", "sample.json", swapped(/"drawn": \[\s*\d+/, '"drawn": [ 1')],
    ["another nonce", "sample.json", swapped("harvest moon", "harvest mood")],
    ["another range", "pack.json", swapped(/"first": \d+/, '"first": 1')],
  ];
  for (const [name, path, change] of changes) {
    const result = python(forged(path, change));
    assert.notEqual(result.code, 0, name);
    assert.match(result.err, /FAILED/, name);
  }
});

test("drill: @sigstore/verify finds every receipt included, and notices what was changed", () => {
  const verify = (folder: string): Ran => ran(process.execPath, [join(folder, "verify/sigstore.cjs"), SIGSTORE, vkey]);
  const { code, out, err } = verify(pack);
  assert.equal(code, 0, err);
  const receipts = readdirSync(join(pack, "receipts"));
  assert.equal(out, `${receipts.length} receipts\n`);
  const path = `receipts/${receipts[1] ?? assert.fail()}`;
  assert.notEqual(verify(forged(path, swapped("extra e", "extra f"))).code, 0, "the leaf");
  assert.notEqual(verify(forged(path, flipped(-12))).code, 0, "the signature");
});

test("the pack tells the period's story: actions, people, gaps, exceptions, rules, and what was not disclosed", async () => {
  const about = json<{ actions: number; entries: number; verdicts: object }>("pack.json");
  assert.deepEqual(about.verdicts, { integrity: "pass", completeness: "pass", decisions: "pass", time: "pass" });
  const records = readFileSync(join(pack, "actions/records.jsonl"), "utf8").trim().split("\n");
  assert.equal(records.length, about.actions);
  assert.equal(readFileSync(join(pack, "actions/actions.csv"), "utf8").split("\r\n").length, about.actions + 2);
  const gaps = json<Record<string, { count: number }> & { gates: { released: number }[] }>("findings/gaps.json");
  assert.equal(gaps["outcomesWithoutPermit"]?.count, 0);
  assert.ok((gaps["allowedWithoutOutcome"]?.count ?? 0) >= 4, "one read a day that never told");
  const exceptions = json<Record<string, { count: number }>>("findings/exceptions.json");
  assert.ok((exceptions["refused_self"]?.count ?? 0) > 0 && (exceptions["denied"]?.count ?? 0) > 0);
  const rules = readdirSync(join(pack, "rules"), { recursive: true }).map(String);
  assert.ok(
    rules.some((path) => path.endsWith("-directory.json")) && rules.some((path) => path.endsWith("rules.cedar")),
  );

  const [first = ""] = readFileSync(join(pack, "ledger/payloads/000.jsonl"), "utf8").split("\n");
  assert.match(first, /"payload":null,"salt":null/, "what the period does not rest on is not disclosed");
  const report = readFileSync(join(pack, "report.html"), "utf8");
  assert.doesNotMatch(report, /<script|src=|href=|url\(/i, "self-contained");
  assert.match(report, /<svg[^]*<svg/);
  for (const text of ["All four checks pass", "Ann Achterberg (ann)", "harvest moon", vkey]) {
    assert.ok(report.includes(text), text);
  }
  const events = await month.house.entries();
  assert.ok(
    events.some(({ type }) => type === "export.created"),
    "the ledger knows that the pack was made",
  );
});

test("the same pack twice is the same to the byte, but for what happened in between", async () => {
  const options = ["--from", "2026-10-02", "--to", "2026-10-04"];
  await evidence(...options, "--out", "one.tar");
  await evidence(...options, "--out", "two.tar");
  const [one, two] = [unpack("one.tar"), unpack("two.tar")];
  for (const path of [
    "range/start",
    "range/end",
    "range/start-to-end.proof",
    "actions/records.jsonl",
    "actions/actions.csv",
  ]) {
    assert.deepEqual(readFileSync(join(one, path)), readFileSync(join(two, path)), path);
  }
});

test("wrong wishes are refused with a sentence, and nothing is overwritten", async () => {
  writeFileSync(join(dir, "there.tar"), "mine");
  const cases: readonly (readonly [string[], RegExp])[] = [
    [[], /where the period begins/],
    [["--from", "yesterday"], /a day such as/],
    [["--from", "2026-10-02T25:00:00Z"], /a day such as/],
    [["--from", "2026-10-05", "--to", "2026-10-04"], /ends before it begins/],
    [["--from", "2026-10-01", "--sample", "5"], /--nonce WORD/],
    [["--from", "2026-10-01", "--sample", "0", "--nonce", "x"], /--sample is 1 to/],
    [["--from", "2026-10-01", "--nonce", "x", "--sample-of", "some"], /all, held or released/],
    [["--from", "2026-10-01", "--out", "there.tar"], /is there already/],
  ];
  for (const [args, sentence] of cases) await assert.rejects(evidence(...args), { message: sentence }, args.join(" "));
  assert.equal(readFileSync(join(dir, "there.tar"), "utf8"), "mine");
});

test("a period without entries makes a pack that says so", async () => {
  assert.equal(await evidence("--from", "2020-01-01", "--to", "2020-02-01", "--out", "empty.tar"), 0, told.err);
  const empty = unpack("empty.tar");
  assert.deepEqual(json<{ range: object }>("pack.json", empty).range, { first: 0, end: 0 });
  assert.equal(manifest(empty).code, 0);
  assert.equal(python(empty).code, 0, python(empty).err);
});

test("what was erased is gone from the pack, and the pack says what can no longer be shown", async () => {
  const records = readFileSync(join(pack, "actions/records.jsonl"), "utf8").trim().split("\n");
  type Written = { redeemed: object | null; digest: string; id: string; entries: { index: number }[] };
  const released = records.map((line) => JSON.parse(line) as Written).find(({ redeemed }) => redeemed !== null);
  assert.ok(released !== undefined);
  const erase = released.entries.map(({ index }) => index);
  const { status } = await month.house.store.append({ entries: [], erase });
  assert.equal(status, "appended");
  assert.equal(await evidence("--from", "2026-10-02", "--to", "2026-10-06", "--out", "erased.tar"), 0, told.out);
  const erased = unpack("erased.tar");
  assert.equal(manifest(erased).code, 0);
  assert.equal(python(erased).code, 0, python(erased).err);
  const report = readFileSync(join(erased, "report.html"), "utf8");
  assert.match(report, /1 release of this period could be checked by headers alone/);
  assert.match(report, new RegExp(`${erase.length} payloads of the period had been erased`));
  const gaps = (folder: string): object => json<Record<string, object>>("findings/gaps.json", folder)["gates"] ?? {};
  assert.deepEqual(gaps(erased), gaps(pack), "the gap report reads headers alone");
});

test("the report prints as PDF, and reads on a telephone", async (t) => {
  const missing = noBrowser();
  if (missing !== null) return t.skip(missing);
  assert.equal(await evidence("--from", "2026-10-02", "--out", "pdf.tar", "--pdf", "--json"), 0, told.err);
  assert.equal((JSON.parse(told.out) as { pdf: boolean }).pdf, true);
  const printed = unpack("pdf.tar");
  assert.equal(readFileSync(join(printed, "report.pdf")).subarray(0, 5).toString(), "%PDF-");
  assert.ok(existsSync(join(printed, "report.html")));
  const browser = await openBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 390, height: 800 } });
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(`file://${join(printed, "report.html")}`);
    const wide = await page.evaluate("document.documentElement.scrollWidth");
    assert.equal(wide, 390, "nothing is wider than the screen");
    assert.equal(asked.length, 1, "nothing else is loaded");
  } finally {
    await browser.close();
  }
});
