import { canonicalBytes, digest as digestOf, isJsonObject } from "../core/action/index.ts";
import type { Json } from "../core/action/index.ts";
import type { OpenedHeader } from "../core/ledger/index.ts";
import { applySteps, digestOf as rosterDigest, dumpRoster, readRoster, restoreRoster } from "./roster.ts";
import type { Roster } from "./roster.ts";
import { listAt, memberOf, numberAt, textAt } from "./shapes.ts";
import type { Header } from "./header.ts";
import type { Complain } from "./report.ts";

/** How long after a change an answer may still rest on what was in force when it was thought out, in milliseconds. */
export const CHANGE_OVERLAP_MS = 60_000;

/** Each kind of rules: the entry that changes it, and the public member that names it, there and in evaluations. */
const KINDS: Readonly<Record<string, string>> = {
  "policy.changed": "policies",
  "directory.changed": "directory",
  "catalogue.changed": "catalogue",
};

const NAMED: readonly string[] = Object.values(KINDS);

const THOSE: Readonly<Record<string, string>> = {
  policies: "policies that were",
  directory: "a directory that was",
  catalogue: "a catalogue that was",
};

/** One set of rules; `until` is when another replaced it. The roster is null where its payload was erased. */
type Rules = { readonly digest: string; readonly until: number | null; readonly roster: Roster | null };

/** The policies, directories and catalogues that a ledger says were in force, as far as its latest entries matter. */
export class RulesInForce {
  readonly #kinds = new Map<string, readonly Rules[]>();
  /** It follows a ledger from the beginning, so that every change was seen. */
  readonly #complete: boolean;

  constructor(complete: boolean) {
    this.#complete = complete;
  }

  /** Whether an entry of this type changes rules. */
  static changes(type: string): boolean {
    return Object.hasOwn(KINDS, type);
  }

  /** A change takes effect. */
  change({ type, at, publics }: OpenedHeader, payload: Json | undefined, complain: Complain): void {
    const member = KINDS[type] ?? "";
    const digest = publics[member];
    if (typeof digest !== "string") return complain(`\`${type}\` does not name what came into force`);
    const latest = this.#kinds.get(member)?.at(-1);
    const roster =
      type === "directory.changed" && payload !== undefined ? rosterIn(payload, digest, latest, complain) : null;
    if (type === "catalogue.changed" && payload !== undefined) checkCatalogue(payload, digest, complain);
    const earlier = (this.#kinds.get(member) ?? []).map((rules) => ({ ...rules, until: rules.until ?? at }));
    const recent = earlier.filter(({ until }) => at <= until + CHANGE_OVERLAP_MS);
    this.#kinds.set(member, [...recent, { digest, until: null, roster }]);
  }

  /** An evaluation names the policies, directory and catalogue by which it was answered, and they were in force. */
  check(header: Pick<Header, "at" | "shown">, complain: Complain): void {
    for (const member of NAMED) {
      const named = header.shown(member);
      if (named !== undefined && named === this.#kinds.get(member)?.at(-1)?.digest) continue;
      if (typeof named !== "string") {
        complain(`it does not name the ${member} by which it was answered`);
        continue;
      }
      if (this.#inForce(member, header.at).some(({ digest }) => digest === named)) continue;
      if (this.#complete || this.#kinds.has(member)) complain(`it names ${THOSE[member] ?? member} not in force`);
    }
  }

  /** Whether policies of this digest may have been in force at a time; true where that cannot be known. */
  isPolicy(digest: string, at: number): boolean {
    const known = this.#inForce("policies", at);
    return known.some((rules) => rules.digest === digest) || (!this.#complete && known.length === 0);
  }

  /** The rosters by which somebody may have been judged at a time; none where that cannot be known. */
  rosters(at: number): readonly Roster[] {
    const rosters = this.#inForce("directory", at).map(({ roster }) => roster);
    return rosters.every((roster) => roster !== null) ? rosters : [];
  }

  /** For the next verification. */
  dump(): Json {
    return [...this.#kinds].flatMap(([member, all]) =>
      all.map(({ digest, until, roster }) => ({
        member,
        digest,
        until: until ?? -1,
        roster: roster === null ? null : dumpRoster(roster),
      })),
    );
  }

  /** Reads what `dump` wrote. */
  restore(json: Json): void {
    for (const kept of listAt({ kept: json }, "kept")) {
      const member = textAt(kept, "member");
      const until = numberAt(kept, "until");
      const roster = memberOf(kept, "roster");
      const rules: Rules = {
        digest: textAt(kept, "digest"),
        until: until === -1 ? null : until,
        roster: isJsonObject(roster) ? restoreRoster(roster) : null,
      };
      this.#kinds.set(member, [...(this.#kinds.get(member) ?? []), rules]);
    }
  }

  #inForce(member: string, at: number): readonly Rules[] {
    const all = this.#kinds.get(member) ?? [];
    return all.filter(({ until }) => until === null || at <= until + CHANGE_OVERLAP_MS);
  }
}

/** The catalogue shown is the one that is named; null where it was too large to be kept. */
function checkCatalogue(payload: Json, named: string, complain: Complain): void {
  try {
    const catalogue = memberOf(payload, "catalogue");
    if (catalogue === null || digestOf(canonicalBytes(catalogue)) === named) return;
    complain("the catalogue shown is not the one that came into force");
  } catch (error) {
    complain(`the catalogue cannot be read: ${error instanceof Error ? error.message : "unknown"}`);
  }
}

/** The roster that an entry shows, as a whole or by its steps; null where what it builds on is not known. */
function rosterIn(payload: Json, digest: string, latest: Rules | undefined, complain: Complain): Roster | null {
  try {
    const roster =
      isJsonObject(payload) && payload["steps"] !== undefined
        ? stepped(payload, latest, complain)
        : whole(payload, digest, complain);
    const computed = roster === null ? null : rosterDigest(roster);
    if (computed !== null && computed !== digest) complain("the directory shown is not the one that came into force");
    return roster;
  } catch (error) {
    complain(`the directory cannot be read: ${error instanceof Error ? error.message : "unknown"}`);
    return null;
  }
}

function whole(payload: Json, digest: string, complain: Complain): Roster {
  const directory = memberOf(payload, "directory");
  if (textAt(directory, "digest") !== digest) complain("the directory shown is not the one that came into force");
  return readRoster(directory);
}

function stepped(payload: Json, latest: Rules | undefined, complain: Complain): Roster | null {
  const base = memberOf(payload, "base");
  if (base === null) return applySteps(null, payload);
  if (latest !== undefined && latest.digest !== base)
    complain("its steps do not begin at the directory that was in force");
  const before = latest?.digest === base ? latest.roster : null;
  return before === null || before.items === null ? null : applySteps(before, payload);
}
