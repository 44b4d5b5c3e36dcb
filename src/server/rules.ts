import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { loadCatalogue } from "../classifiers/declared/index.ts";
import type { JsonObject } from "../core/action/index.ts";
import type { GroupName } from "../core/brand.ts";
import { ERASE_ACTION, recordChange, type ChangeType, type EngineContext, type Rules } from "../engine/index.ts";
import { activeMembers, readDirectory, type WrittenContent } from "../identity/directory/index.ts";
import { loadPolicies, type LoadedPolicies, type PolicySummary } from "../policies/cedar/index.ts";
import { ConfigError, type ConfigProblem } from "../ports/config.ts";
import type { DirectoryChanged } from "../ports/people.ts";
import { composedClassifier } from "./classify/composed.ts";
import { PEOPLE_DEFAULT, type Config } from "./config.ts";
import { CHANGE_ACTION } from "./people/asking.ts";
import { PeopleKeeper } from "./people/keeper.ts";

/** One set of rules with what people may want to know of it. */
export type LoadedRules = Rules & {
  readonly catalogueContent: JsonObject;
  readonly policyList: readonly PolicySummary[];
  readonly policyTexts: LoadedPolicies["texts"];
  readonly titles: ReadonlyMap<string, string>;
  readonly warnings: readonly ConfigProblem[];
};

type Ledger = Pick<EngineContext, "store" | "clock" | "chance">;
type Files = Pick<Config, "directory" | "catalogue" | "policies" | "people" | "privacy" | "store">;

/** What the ledger says was recorded last of policies and catalogue, where several instances serve the same files. */
const RECORDED = "rules";

const WATCH_MS = 1000;
/** What the house itself asks for, in words that no catalogue changes. */
const OWN_TITLES: readonly (readonly [action: string, title: string])[] = [
  [CHANGE_ACTION, "Change who may decide"],
  [ERASE_ACTION, "Erase from the ledger"],
];
/** Characters of all policies that one entry keeps: in UTF-8 and escaped they have to fit into a payload. */
const POLICY_TEXTS_CHARS_MAX = 500_000;
/** Characters of a catalogue in canonical form, for the same reason: it is escaped already, and three bytes at most each. */
const CATALOGUE_CHARS_MAX = 4_000_000;

/**
 * Holds the rules in force. A reload reads everything anew, records what changed, and only then replaces the whole;
 * while anything is wrong with the new rules, the old ones serve.
 */
export class RulesKeeper {
  #current: LoadedRules;
  #problems: readonly ConfigProblem[] = [];
  #reloading: Promise<unknown> = Promise.resolve();
  #fresh: () => Promise<void> = () => Promise.resolve();
  /** The last digests of others that our own files do not have. */
  #unlike = "";
  readonly #files: Files;
  readonly #ledger: Ledger;
  /** Keeps the directory, which other sources than the file change too. */
  readonly people: PeopleKeeper;

  private constructor(current: LoadedRules, files: Files, ledger: Ledger, people: PeopleKeeper) {
    this.#current = current;
    this.#files = files;
    this.#ledger = ledger;
    this.people = people;
    people.onChange((_, directory) => {
      this.#current = { ...this.#current, directory };
    });
  }

  /** Loads the rules for the first time; throws `ConfigError` when they are not valid. */
  static async open(files: Files, ledger: Ledger): Promise<RulesKeeper> {
    const people = await PeopleKeeper.open(ledger, files.people ?? PEOPLE_DEFAULT);
    const { written, ...loaded } = load(files, people);
    people.guard(namedGroups(files, loaded));
    fit(files, await people.adopt(written, null));
    const current = { ...loaded, directory: people.directory };
    const keeper = new RulesKeeper(current, files, ledger, people);
    await keeper.#record(null, current);
    return keeper;
  }

  get current(): LoadedRules {
    return this.#current;
  }

  /** What was wrong with the last reload; empty when the rules in force are those of the files. */
  get problems(): readonly ConfigProblem[] {
    return this.#problems;
  }

  /** Reads everything anew, one reload after the other; throws `ConfigError` and keeps the old rules when it is not valid. */
  reload(claimed: string | null = null): Promise<LoadedRules> {
    return this.#fresh().then(() => this.#next(() => this.#reload(claimed)));
  }

  /** Before a reload, what other instances recorded is read: so that of a change of shared files there is one record. */
  share(fresh: () => Promise<void>): void {
    this.#fresh = fresh;
  }

  /**
   * Another instance has recorded other policies or another catalogue: the files are read again. Answers a sentence where
   * these here say something else all the same.
   */
  async heard(): Promise<string | null> {
    if (await this.#isAsRecorded()) return null;
    // Not in turn with `fresh`, which waits for the very page of the ledger that this is called for.
    await this.#next(() => this.#reload(null));
    if (await this.#isAsRecorded()) return null;
    const { policies, catalogueDigest } = this.#current;
    const unlike = `${policies.digest} ${catalogueDigest}`;
    if (unlike === this.#unlike) return null;
    this.#unlike = unlike;
    return "another instance serves other policies or another catalogue than the files here; give all the same ones";
  }

  async #isAsRecorded(): Promise<boolean> {
    const [policies, catalogue] = await Promise.all(
      ["policies", "catalogue"].map(async (id) => (await this.#ledger.store.document(RECORDED, id))?.body["digest"]),
    );
    const { policies: ours, catalogueDigest } = this.#current;
    return (policies ?? ours.digest) === ours.digest && (catalogue ?? catalogueDigest) === catalogueDigest;
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#reloading.then(work);
    this.#reloading = next.catch(() => undefined);
    return next;
  }

  async #reload(claimed: string | null): Promise<LoadedRules> {
    const before = this.#current;
    try {
      const { written, ...loaded } = load(this.#files, this.people);
      // Until both are in force, the groups of either count.
      this.people.guard(namedGroups(this.#files, before, loaded));
      fit(this.#files, await this.people.adopt(written, claimed, changedPolicies(before, loaded)));
      await this.#record(before, loaded, claimed);
      this.people.guard(namedGroups(this.#files, loaded));
      this.#current = { ...loaded, directory: this.people.directory };
      this.#problems = [];
      return this.#current;
    } catch (error) {
      if (error instanceof ConfigError) this.#problems = error.problems;
      throw error;
    }
  }

  /**
   * Reloads when a file changes, until the signal aborts; `onReload` hears null, or why the new rules were refused.
   * Sizes and times are polled: editors replace files in many ways.
   */
  watch(signal: AbortSignal, onReload: (error: Error | null) => void): void {
    let seen = fingerprint(this.#files);
    const timer = setInterval(() => {
      const now = fingerprint(this.#files);
      if (now === seen) return;
      seen = now;
      this.reload().then(
        () => onReload(null),
        (error: unknown) => onReload(error instanceof Error ? error : new Error(String(error))),
      );
    }, WATCH_MS);
    timer.unref();
    signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  }

  async #record(
    before: LoadedRules | null,
    after: Omit<LoadedRules, "directory">,
    claimed: string | null = null,
  ): Promise<void> {
    if (before?.policies.digest !== after.policies.digest) {
      const policies = after.policyList.map(({ id, kind, because, file, line }) => ({
        id,
        kind,
        because,
        file: basename(file),
        line,
      }));
      const by = claimed === null ? {} : { by: claimed };
      const payload = { policies, texts: recordable(after.policyTexts), ...by };
      await this.#once("policy.changed", payload, "policies", after.policies.digest);
    }
    if (before?.catalogueDigest !== after.catalogueDigest) {
      const payload = { catalogue: recordableCatalogue(after.catalogueContent) };
      await this.#once("catalogue.changed", payload, "catalogue", after.catalogueDigest);
    }
  }

  /** Records a change; of several instances that serve the same files, one. */
  async #once(type: ChangeType, payload: JsonObject, member: string, digest: string): Promise<void> {
    const publics = { [member]: digest };
    if (this.#files.store === undefined || this.#files.store === null) {
      await recordChange(this.#ledger, type, payload, publics);
      return;
    }
    const known = (await this.#ledger.store.document(RECORDED, member))?.body;
    if (known?.["digest"] === digest) return;
    const turn = typeof known?.["turn"] === "number" ? known["turn"] + 1 : 1;
    const documents = [{ kind: RECORDED, id: member, body: { digest, turn } }];
    const idempotency = { key: `rules:${member}:${turn}:${digest}`, fingerprint: digest, answer: {} };
    await recordChange(this.#ledger, type, payload, publics, { documents, idempotency });
  }
}

/** The policies' own words for the record; null where a payload could not hold them: their digest stands all the same. */
function recordable(texts: LoadedPolicies["texts"]): LoadedRules["policyTexts"] | null {
  const chars = texts.reduce((sum, { text }) => sum + text.length, 0);
  return chars <= POLICY_TEXTS_CHARS_MAX ? texts : null;
}

/** The same of a catalogue. */
function recordableCatalogue(content: JsonObject): JsonObject | null {
  return JSON.stringify(content).length <= CATALOGUE_CHARS_MAX ? content : null;
}

type Loaded = Omit<LoadedRules, "directory"> & { readonly written: WrittenContent };

function load(files: Files, people: PeopleKeeper): Loaded {
  const { written, warnings } = readDirectory(files.directory);
  const wanted = people.preview(written);
  if ("refused" in wanted) throw unfit(files.directory, wanted.because);
  const catalogue = loadCatalogue(files.catalogue);
  const policies = loadPolicies({
    dir: files.policies,
    // A quorum has to be possible by what the file says, though a part of it may still wait for an administrator.
    groups: activeMembers(wanted),
    factTypes: catalogue.factTypes,
  });
  const titles = new Map([
    ...[...catalogue.actions].flatMap(([name, { title }]) => (title === null ? [] : [[name, title] as const])),
    ...OWN_TITLES,
  ]);
  return {
    written,
    policies,
    classifier: composedClassifier(catalogue),
    catalogueDigest: catalogue.digest,
    catalogueContent: catalogue.content,
    policyList: policies.policies,
    policyTexts: policies.texts,
    titles,
    warnings,
  };
}

/** Groups that the settings and these policies ask for approvals. */
function namedGroups({ privacy }: Files, ...sets: readonly Pick<LoadedRules, "policyList">[]): ReadonlySet<GroupName> {
  const asked = sets.flatMap(({ policyList }) => policyList.flatMap(({ terms }) => terms.map(({ group }) => group)));
  return new Set([...asked, ...(privacy === undefined || privacy === null ? [] : [privacy.approvers as GroupName])]);
}

/** Policies in files that are not as they were, as the edits of people name them. */
function changedPolicies(
  before: LoadedRules,
  after: Pick<LoadedRules, "policyTexts" | "policyList">,
): readonly string[] {
  const texts = new Map(before.policyTexts.map(({ file, text }) => [file, text]));
  const changed = new Set(
    after.policyTexts.filter(({ file, text }) => texts.get(file) !== text).map(({ file }) => file),
  );
  return after.policyList.flatMap(({ id, file }) => (changed.has(basename(file)) ? [`policy/${id}`] : []));
}

/** What the store has may have changed since the file was looked at. */
function fit(files: Files, adopted: DirectoryChanged): void {
  if (adopted.status === "refused") throw unfit(files.directory, adopted.refusal.because);
}

function unfit(file: string, because: string): ConfigError {
  const message = `it does not fit the people, groups and links that the store has: ${because}`;
  const hint = "see `keyturn people list`";
  return new ConfigError({ code: "directory_invalid", problems: [{ file, line: 0, column: 0, message, hint }] });
}

function fingerprint(files: Files): string {
  const policies = listed(files.policies).map((name) => join(files.policies, name));
  return [files.directory, files.catalogue, ...policies].map(stamp).join("\n");
}

function listed(dir: string): readonly string[] {
  try {
    return readdirSync(dir).toSorted();
  } catch {
    return []; // gone for a moment; the reload that follows says so properly
  }
}

function stamp(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? `${path} -` : `${path} ${found.size} ${found.mtimeMs} ${found.ino}`;
}
