import { basename, join } from "node:path";
import { jsonAt, jsonItems, jsonText } from "../../core/action/index.ts";
import type { Json } from "../../core/action/index.ts";
import { encodeBase64 } from "../../core/encoding.ts";
import {
  checkpointText,
  consistencyProof,
  consistencySubtrees,
  formatReceipt,
  inclusionProof,
  inclusionSubtrees,
  parseVerifierKey,
  rootFromSubtrees,
  rootSubtrees,
} from "../../core/ledger/index.ts";
import type { Subtree } from "../../core/ledger/index.ts";
import {
  DISCLOSURES_PY,
  lineOf,
  MAPPINGS,
  OPENSSL_SH,
  readme,
  reportPage,
  SIGNATURES_SH,
  SIGSTORE_CJS,
  toOscal,
  XMOD_GO,
} from "../../evidence/index.ts";
import type { ActionLine, ActionRecord, Period, ReportData, RuleChange, Sample } from "../../evidence/index.ts";
import { openCheckpoint, readFolder, verifyLedger } from "../../verify/index.ts";
import type { Report, WitnessPolicy } from "../../verify/index.ts";
import { readerOf, subtreeHash } from "../publish.ts";
import { version } from "../version.ts";
import { actionsIn, drawFrom, writeActions } from "./actions.ts";
import type { SampleWanted } from "./arguments.ts";
import type { Collected } from "./collect.ts";
import { write } from "./collect.ts";
import { readFindings } from "./read.ts";
import type { Findings } from "./read.ts";

/** What goes into a pack. */
export type PackOptions = {
  readonly period: Period;
  readonly sample: SampleWanted | null;
  readonly witnesses: WitnessPolicy | null;
  /** A signed checkpoint that was kept from before. */
  readonly kept: string | null;
  readonly pdf: boolean;
};

export type Pack = { readonly report: Report; readonly data: ReportData; readonly modifiedAt: number };

/** Observations of the OSCAL view. */
const OSCAL_ACTIONS_MAX = 20_000;

/** RFC 8410 §4: what precedes the 32 bytes of an Ed25519 key in SubjectPublicKeyInfo. */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** Writes everything of a pack but the PDF and the manifest beside the ledger's files. */
export async function buildPack(collected: Collected, pack: string, options: PackOptions): Promise<Pack> {
  const { period, kept, witnesses } = options;
  const json = (path: string, value: object): void => write(join(pack, path), `${JSON.stringify(value, null, 2)}\n`);
  const roots = writeRange(collected, pack, kept);
  const findings = await readFindings(collected);
  const actions = await writeActions(collected, pack);
  const drawn = options.sample === null ? null : await drawFrom(collected, actions.lines, options.sample, roots.end);
  const report = await verify(collected, witnesses, kept);
  const data: ReportData = {
    origin: collected.signed.origin,
    vkey: collected.vkey,
    period,
    asOf: findings.latest,
    version: version(),
    range: collected.range,
    size: collected.signed.size,
    roots: {
      start: encodeBase64(roots.start),
      end: encodeBase64(roots.end),
      signed: encodeBase64(collected.signed.root),
    },
    kept: kept === null ? null : openCheckpoint(kept, collected.vkey).size,
    verification: report,
    unreadable: unreadableIn(report, actions.lines),
    witnesses: { asked: witnesses?.vkeys.length ?? 0, quorum: witnesses?.quorum ?? 0 },
    ...actions,
    ...findings,
    sample: drawn?.sample ?? null,
  };
  if (drawn !== null) json("sample.json", sampleFile(drawn.sample, drawn.population, drawn.drawn));
  await writeReceipts(collected, pack, drawn?.sample.records ?? []);
  writeKeys(collected, pack, findings, witnesses);
  for (const change of findings.rules) writeRule(pack, change);
  json("findings/verification.json", { ...report, remember: undefined });
  json("findings/gaps.json", findings.gaps);
  json("findings/exceptions.json", findings.exceptions);
  json("findings/clock.json", findings.clock);
  json("controls.json", MAPPINGS);
  json("views/oscal-assessment-results.json", await oscalOf(collected, period, findings.latest, actions.lines));
  json("pack.json", aboutOf(data));
  write(join(pack, "report.html"), reportPage(data));
  write(join(pack, "README.txt"), readme({ ...data, pdf: options.pdf }));
  const scripts = {
    "openssl.sh": OPENSSL_SH,
    "signatures.sh": SIGNATURES_SH,
    "xmod.go": XMOD_GO,
    "disclosures.py": DISCLOSURES_PY,
  };
  for (const [name, text] of Object.entries({ ...scripts, "sigstore.cjs": SIGSTORE_CJS })) {
    write(join(pack, "verify", name), text);
  }
  return { report, data, modifiedAt: findings.latest };
}

/** Where payloads are not there, the people behind a release cannot be checked; which of these the period is about. */
function unreadableIn({ unreadable, counts }: Report, lines: readonly ActionLine[]): ReportData["unreadable"] {
  const ids = new Set(lines.map(({ id }) => id));
  const inPeriod = unreadable.filter((stream) => ids.has(stream.slice("request/".length))).length;
  return { inPeriod, outside: counts.unreadable - inPeriod };
}

async function verify(collected: Collected, witnesses: WitnessPolicy | null, kept: string | null): Promise<Report> {
  const { read, signed, note, vkey } = collected;
  return verifyLedger({
    entries: readFolder(read, signed.size),
    checkpoint: note,
    vkey,
    ...(witnesses === null ? {} : { witnesses }),
    ...(kept === null ? {} : { remembered: { checkpoint: kept } }),
  });
}

type Roots = { readonly start: Uint8Array; readonly end: Uint8Array };

/** The ledger's heads at the period's ends, and the proofs that each is the beginning of the next. */
function writeRange({ dir, signed, range, vkey }: Collected, pack: string, kept: string | null): Roots {
  const read = readerOf(dir, signed.size);
  const hashes = (subtrees: readonly Subtree[]): readonly Uint8Array[] => subtrees.map((one) => subtreeHash(read, one));
  const rootAt = (size: number): Uint8Array => rootFromSubtrees(size, hashes(rootSubtrees(size)));
  const prove = (name: string, from: number, to: number): void => {
    const proof = consistencyProof(from, to, hashes(consistencySubtrees(from, to)));
    write(join(pack, `range/${name}.proof`), proof.map((hash) => `${encodeBase64(hash)}\n`).join(""));
  };
  const roots = { start: rootAt(range.first), end: rootAt(range.end) };
  write(join(pack, "range/start"), checkpointText(signed.origin, range.first, roots.start));
  write(join(pack, "range/end"), checkpointText(signed.origin, range.end, roots.end));
  prove("start-to-end", range.first, range.end);
  prove("end-to-signed", range.end, signed.size);
  if (kept === null) return roots;
  write(join(pack, "range/kept"), kept);
  // One that contradicts this ledger, or is of a larger one, is the report's finding, and has no proof.
  const { size } = openCheckpoint(kept, vkey);
  if (size <= signed.size) prove("kept-to-signed", size, signed.size);
  return roots;
}

/** Inclusion proofs of the entries of sampled actions; without a sample, of the period's first and last. */
async function writeReceipts(collected: Collected, pack: string, sampled: readonly ActionRecord[]): Promise<void> {
  const { dir, signed, range, note } = collected;
  const edges = range.end > range.first ? [range.first, range.end - 1] : signed.size > 0 ? [signed.size - 1] : [];
  const indexes = sampled.length === 0 ? edges : sampled.flatMap(({ entries }) => entries.map(({ index }) => index));
  const wanted = new Set(indexes.filter((index) => index < signed.size));
  const read = readerOf(dir, signed.size);
  for await (const bundle of readFolder(collected.read, signed.size)) {
    for (const { index, header } of bundle) {
      if (!wanted.has(index)) continue;
      const hashes = inclusionSubtrees(index, signed.size).map((one) => subtreeHash(read, one));
      const path = inclusionProof(index, signed.size, hashes);
      const receipt = formatReceipt({ leaf: header, index, path, checkpoint: note });
      write(join(pack, `receipts/${index}.tlog-proof`), receipt);
    }
  }
}

function writeKeys({ vkey }: Collected, pack: string, { keys }: Findings, witnesses: WitnessPolicy | null): void {
  const der = Buffer.concat([SPKI_PREFIX, parseVerifierKey(vkey).publicKey]);
  const pem = `-----BEGIN PUBLIC KEY-----\n${der.toString("base64")}\n-----END PUBLIC KEY-----\n`;
  write(join(pack, "keys/ledger.pem"), pem);
  write(join(pack, "keys/history.json"), `${JSON.stringify(keys, null, 2)}\n`);
  if (witnesses !== null) write(join(pack, "keys/witnesses"), witnesses.vkeys.map((key) => `${key}\n`).join(""));
}

/** A change of rules as the ledger has it; policies' texts as files beside it. */
function writeRule(pack: string, { index, at, kind, digest, standing, payload }: RuleChange): void {
  const about = { index, time: new Date(at).toISOString(), kind, digest, standing, payload };
  write(join(pack, `rules/${index}-${kind}.json`), `${JSON.stringify(about, null, 2)}\n`);
  for (const one of jsonItems(jsonAt(payload ?? undefined, "texts"))) {
    const name = basename(jsonText(jsonAt(one, "file"))).replaceAll(/[^A-Za-z0-9._-]/g, "_");
    if (/[A-Za-z0-9]/.test(name)) write(join(pack, `rules/${index}-${kind}`, name), jsonText(jsonAt(one, "text")));
  }
}

function sampleFile(sample: Sample, population: readonly number[], drawn: readonly number[]): object {
  const { records, ...how } = sample;
  return { ...how, drawn, ids: records.map(({ id }) => id), population };
}

/** Every action where they are few; of many, those that did not pass at once. The document is one piece of JSON. */
async function oscalOf(
  collected: Collected,
  { from, to }: Period,
  madeAt: number,
  lines: readonly ActionLine[],
): Promise<{ readonly [member: string]: Json }> {
  const records: ActionRecord[] = [];
  for await (const record of actionsIn(collected)) {
    if (records.length >= OSCAL_ACTIONS_MAX) break;
    if (lines.length <= OSCAL_ACTIONS_MAX || lineOf(record).result !== "passed") records.push(record);
  }
  const { origin } = collected.signed;
  return toOscal({ origin, version: version(), from, to, madeAt, evidence: "../README.txt", records });
}

function aboutOf(data: ReportData): object {
  const { origin, vkey, period, range, size, roots, lines, verification } = data;
  return {
    format: "keyturn-evidence-1",
    made_by: `keyturn ${version()}`,
    origin,
    vkey,
    period: { from: new Date(period.from).toISOString(), to: new Date(period.to).toISOString() },
    range,
    size,
    roots,
    entries: range.end - range.first,
    actions: lines.length,
    verdicts: {
      integrity: verification.integrity.verdict,
      completeness: verification.completeness.verdict,
      decisions: verification.decisions.verdict,
      time: verification.time.verdict,
    },
  };
}
