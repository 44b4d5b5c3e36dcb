import { jsonAt, jsonItems, jsonText } from "../../core/action/index.ts";
import type { Json } from "../../core/action/index.ts";
import type { RuleChange } from "../pack/changes.ts";
import type { Items } from "../pack/entry.ts";
import { MAPPINGS } from "../pack/mappings.ts";
import type { ReportData } from "./data.ts";
import { markup } from "./markup.ts";
import type { Markup } from "./markup.ts";
import { counted, moment, number, shortStream } from "../words.ts";

/** Counters of every gate, and where the ledger does not tell a whole story. */
export function gapReport({ gaps }: ReportData): Markup {
  const gates = gaps.gates.map(
    (g) =>
      markup`<tr><th scope="row">${g.gate}</th><td>${number(g.evaluations)}</td><td>${number(g.allowed)}</td><td>${number(g.held)}</td><td>${number(g.denied)}</td><td>${number(g.requests)}</td><td>${number(g.released)}</td><td>${number(g.outcomes)}</td><td>${number(g.silent)}</td></tr>`,
  );
  const kinds: readonly (readonly [string, Items, string])[] = [
    [
      "Outcomes without permit",
      gaps.outcomesWithoutPermit,
      "Something ran that nothing had let through. There must be none.",
    ],
    [
      "Released, no outcome told",
      gaps.releasedWithoutOutcome,
      "Approved actions whose result is unknown: ask the system behind the gate.",
    ],
    [
      "Passed at once, no outcome told",
      gaps.allowedWithoutOutcome,
      "The gate crashed, does not report, or the action still ran.",
    ],
    [
      "Held, nobody was asked",
      gaps.heldWithoutRequest,
      "The agent gave up. Compare with the system's own log that it did not go around.",
    ],
    ["Requests never closed", gaps.requestsNeverClosed, "Still open at the end of the ledger."],
  ];
  const rows = kinds.map(
    ([name, { count }, meaning]) =>
      markup`<tr><th scope="row">${name}</th><td class="n">${number(count)}</td><td>${meaning}</td></tr>`,
  );
  const lists = kinds
    .filter(([, { count }]) => count > 0)
    .map(([name, { count, items }]) => {
      const lines = items
        .slice(0, 8)
        .map(
          (one) =>
            markup`<tr><td class="n">${one.index}</td><td class="when">${moment(one.at)}</td><td class="id">${shortStream(one.stream)}</td><td>${one.because}</td></tr>`,
        );
      const more = count > 8 ? markup`<p class="more">and ${number(count - 8)} more in findings/gaps.json</p>` : null;
      return markup`<h3>${name}</h3><table class="items"><thead><tr><th class="n">Entry</th><th>Time (UTC)</th><th>Stream</th><th>What</th></tr></thead><tbody>${lines}</tbody></table>${more}`;
    });
  const counters =
    gates.length === 0
      ? markup`<p>No gate asked anything in this period.</p>`
      : markup`<table class="gates"><thead><tr><th>Gate</th><th>Asked</th><th>Allowed</th><th>Held</th><th>Denied</th><th>Requests</th><th>Released</th><th>Outcomes</th><th>Silent</th></tr></thead><tbody>${gates}</tbody></table>`;
  return markup`<section><h2>5 Gap report</h2>
<p>The ledger proves that nothing was taken out. That nothing happened beside it shows only in a comparison: hold these counts against those of the gates and of the systems behind them. All of it is read from headers, and is the same with every payload erased.</p>
${counters}<table><thead><tr><th>Gap</th><th class="n">Count</th><th>What it means</th></tr></thead><tbody>${rows}</tbody></table>${lists}</section>`;
}

/** Policies, people and settings that were in force. */
export function rulesInForce({ rules }: ReportData): Markup {
  const rows = rules.map(
    (change) =>
      markup`<tr><td class="n">${change.index}</td><td class="when">${moment(change.at)}</td><th scope="row">${change.kind}</th><td>${change.standing === "in_force" ? "in force at the start" : "came into force"}</td><td>${contentOf(change)}<br><span class="mono claim">${change.digest}</span></td></tr>`,
  );
  const table =
    rows.length === 0
      ? markup`<p>The ledger names none.</p>`
      : markup`<table class="items"><thead><tr><th class="n">Entry</th><th>Time (UTC)</th><th>What</th><th>When</th><th>Content</th></tr></thead><tbody>${rows}</tbody></table>`;
  const last = rules.findLast(
    ({ kind, payload }) => kind === "directory" && jsonAt(payload ?? undefined, "directory") !== undefined,
  );
  return markup`<section><h2>8 Rules in force</h2><p>Every answer names the policies that it rests on by digest. Their content is in <code>rules/</code>.</p>${table}${last === undefined ? null : roster(last)}</section>`;
}

function contentOf({ kind, payload }: RuleChange): string {
  if (payload === null) return "content erased";
  const count = (...path: readonly string[]): number => jsonItems(jsonAt(payload, ...path)).length;
  if (kind === "policies") return counted(count("policies"), "policy", "policies");
  if (kind !== "directory") return kind === "config" ? "settings of the server" : "actions and resources";
  if (jsonAt(payload, "steps") !== undefined) return `${counted(count("steps"), "step")} from the directory before it`;
  return `${counted(count("directory", "people"), "person", "people")}, ${counted(count("directory", "groups"), "group")}, ${counted(count("directory", "agents"), "agent")}`;
}

function roster({ payload, at }: RuleChange): Markup {
  const people = new Map(
    jsonItems(jsonAt(payload ?? undefined, "directory", "people")).map((one) => [jsonText(jsonAt(one, "id")), one]),
  );
  const groups = jsonItems(jsonAt(payload ?? undefined, "directory", "groups")).map((group) => {
    const members = jsonItems(jsonAt(group, "members")).map((member) => memberOf(member, people));
    return markup`<tr><th scope="row">${jsonText(jsonAt(group, "group"))}</th><td class="n">${number(members.length)}</td><td>${members.join(", ")}</td></tr>`;
  });
  return markup`<h3>Who could approve, as of ${moment(at)} UTC</h3><table><thead><tr><th>Group</th><th class="n">Members</th><th>Since</th></tr></thead><tbody>${groups}</tbody></table>`;
}

function memberOf(member: Json, people: ReadonlyMap<string, Json>): string {
  const id = jsonText(jsonAt(member, "person"));
  const since = jsonAt(member, "since");
  const person = people.get(id);
  const name = jsonText(jsonAt(person, "name")) || id;
  const inactive = jsonAt(person, "active") === false ? ", inactive" : "";
  return `${name} (since ${typeof since === "number" ? moment(since).slice(0, 10) : "unknown"}${inactive})`;
}

/** What the ledger says of its own clock. */
export function clockReport({ clock, verification }: ReportData): Markup {
  const rows: readonly (readonly [string, string])[] = [
    ["Heartbeats in the period", number(clock.heartbeats)],
    [
      "Largest drift of the wall clock since a start",
      clock.driftMaxMs === null ? "not told" : `${number(clock.driftMaxMs)} ms`,
    ],
    ["Heartbeats with more than 2 s of drift", number(clock.drifts.count)],
    ["Times that went back by more than 30 s", number(clock.backwards.count)],
    ["Silences of more than two hours without a stop", number(clock.silences.count)],
    ["Witnesses that signed a time", number(verification.witnessed.length)],
  ];
  const items = [...clock.backwards.items, ...clock.drifts.items, ...clock.silences.items].slice(0, 8);
  const lines = items.map(
    (one) =>
      markup`<tr><td class="n">${one.index}</td><td class="when">${moment(one.at)}</td><td>${one.because}</td></tr>`,
  );
  const list =
    lines.length === 0
      ? null
      : markup`<table class="items"><thead><tr><th class="n">Entry</th><th>Time (UTC)</th><th>What</th></tr></thead><tbody>${lines}</tbody></table>`;
  return markup`<section><h2>9 Clock</h2><table class="narrow"><tbody>${rows.map(([name, value]) => markup`<tr><th scope="row">${name}</th><td class="n">${value}</td></tr>`)}</tbody></table>${list}
<p>The server's clock is the host's. Only a witness, or a log of somebody else, can say that it was right.</p></section>`;
}

/** Controls by number. */
export function controls(): Markup {
  const rows = MAPPINGS.map(({ framework, control, title, shows, leaves }, at) => {
    const head =
      MAPPINGS[at - 1]?.framework === framework
        ? null
        : markup`<tr class="group"><th colspan="3" scope="rowgroup">${framework}</th></tr>`;
    return markup`${head}<tr><td><b>${control}</b><br>${title}</td><td>${shows}</td><td>${leaves}</td></tr>`;
  });
  return markup`<section><h2>10 Controls that this evidence speaks to</h2>
<p>No control is met by a tool alone. Each line says what this pack shows for the actions that came through a gate, and what has to be shown elsewhere.</p>
<table><thead><tr><th>Control</th><th>What this pack shows</th><th>What it leaves</th></tr></thead><tbody>${rows}</tbody></table></section>`;
}

/** What nobody should read into this. */
export function limits(): Markup {
  const sentences = [
    "That an action never happened around the gates. The gap report and the logs of the systems behind the gates are for that.",
    "That an approver read what was shown. It shows that the person's session or key was used for exactly this action.",
    "That the directory names real people, or that two of its people are not one.",
    "That the gate executed what it says it executed. The outcome is the gate's word.",
    "That this is the only history, unless a witness or an auditor kept an earlier checkpoint.",
    "What an erased payload said. The entry and its place remain.",
  ];
  return markup`<section><h2>11 What this does not prove</h2><ul class="plain">${sentences.map((one) => markup`<li>${one}</li>`)}</ul></section>`;
}

/** The way to the verdict without us. */
export function verifyYourself({ vkey }: ReportData): Markup {
  return markup`<section><h2>12 How to verify this without Keyturn</h2>
<p>Bring the verifier key from somewhere else than this pack: from an earlier audit, from the organisation's contract, from a witness. It has to be</p>
<pre>${vkey}</pre>
<ol class="steps">
<li><b>The files are whole</b>, with coreutils:<br><code>sha256sum --check --strict --quiet MANIFEST.sha256</code></li>
<li><b>The checkpoint is signed</b>, with OpenSSL:<br><code>sh verify/openssl.sh KEY</code>; and <b>approvers’ passkeys signed what signatures.txt says</b>:<br><code>sh verify/signatures.sh</code></li>
<li><b>Signature, tree, tiles, the period and the receipts agree</b>, with <code>golang.org/x/mod/sumdb</code>, the library of Go’s checksum database:<br><code>GO111MODULE=off GOPATH=/usr/share/gocode go run verify/xmod.go . KEY</code></li>
<li><b>Checkpoint and receipts once more</b>, with <code>@sigstore/verify</code> of the Sigstore project:<br><code>node verify/sigstore.cjs node_modules/@sigstore/verify KEY</code></li>
<li><b>Payloads are what was committed to, and the sample is what the nonce draws</b>, with Python’s standard library:<br><code>python3 verify/disclosures.py</code></li>
</ol>
<p>README.txt has each step with the packages it needs, and the formats. Whoever trusts Keyturn's own verifier gets the decisions checked as well: <code>keyturn verify --dir ledger --vkey KEY</code>.</p></section>`;
}
