import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { loadCatalogue } from "../classifiers/declared/index.ts";
import type { Digest } from "../core/brand.ts";
import { recordChange, type EngineContext, type Rules } from "../engine/index.ts";
import { activeMembers, fromDocument, loadDirectory, toDocument } from "../identity/directory/index.ts";
import { loadPolicies, type LoadedPolicies, type PolicySummary } from "../policies/cedar/index.ts";
import { ConfigError, type ConfigProblem } from "../ports/config.ts";
import type { Directory } from "../ports/directory.ts";
import type { Store } from "../ports/store.ts";
import { composedClassifier } from "./classify/composed.ts";
import type { Config } from "./config.ts";
import { linkChanges } from "./links.ts";

/** One set of rules with what people may want to know of it. */
export type LoadedRules = Rules & {
  readonly catalogueDigest: Digest;
  readonly policyList: readonly PolicySummary[];
  readonly policyTexts: LoadedPolicies["texts"];
  readonly titles: ReadonlyMap<string, string>;
  readonly warnings: readonly ConfigProblem[];
};

type Ledger = Pick<EngineContext, "store" | "clock" | "chance">;
type Files = Pick<Config, "directory" | "catalogue" | "policies">;

const DOCUMENT = { kind: "directory", id: "current" } as const;
const WATCH_MS = 1000;
/** Characters of all policies that one entry keeps: in UTF-8 and escaped they have to fit into a payload. */
const POLICY_TEXTS_CHARS_MAX = 500_000;

/**
 * Holds the rules in force. A reload reads everything anew, records what changed, and only then replaces the whole;
 * while anything is wrong with the new rules, the old ones serve.
 */
export class RulesKeeper {
  #current: LoadedRules;
  #problems: readonly ConfigProblem[] = [];
  #reloading: Promise<unknown> = Promise.resolve();
  readonly #files: Files;
  readonly #ledger: Ledger;

  private constructor(current: LoadedRules, files: Files, ledger: Ledger) {
    this.#current = current;
    this.#files = files;
    this.#ledger = ledger;
  }

  /** Loads the rules for the first time; throws `ConfigError` when they are not valid. */
  static async open(files: Files, ledger: Ledger): Promise<RulesKeeper> {
    const previous = await storedDirectory(ledger.store);
    const loaded = load(files, previous, ledger);
    const keeper = new RulesKeeper(loaded, files, ledger);
    await keeper.#record(previous, null, loaded);
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
  reload(): Promise<LoadedRules> {
    const next = this.#reloading.then(() => this.#reload());
    this.#reloading = next.catch(() => undefined);
    return next;
  }

  async #reload(): Promise<LoadedRules> {
    const before = this.#current;
    try {
      const loaded = load(this.#files, before.directory, this.#ledger);
      await this.#record(before.directory, before, loaded);
      this.#current = loaded;
      this.#problems = [];
      return loaded;
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

  async #record(previous: Directory | null, before: LoadedRules | null, after: LoadedRules): Promise<void> {
    if (previous?.digest !== after.directory.digest) {
      const body = toDocument(after.directory);
      await recordChange(
        this.#ledger,
        "directory.changed",
        { directory: body },
        { directory: after.directory.digest },
        { documents: [{ ...DOCUMENT, body }] },
      );
      const links = linkChanges(previous, after.directory);
      if (links !== null) {
        const publics = { directory: after.directory.digest, added: links.added.length, removed: links.removed.length };
        await recordChange(this.#ledger, "link.changed", links, publics);
      }
    }
    if (before?.policies.digest !== after.policies.digest) {
      const policies = after.policyList.map(({ id, kind, because, file, line }) => ({
        id,
        kind,
        because,
        file: basename(file),
        line,
      }));
      const payload = { policies, texts: recordable(after.policyTexts) };
      await recordChange(this.#ledger, "policy.changed", payload, { policies: after.policies.digest });
    }
    if (before?.catalogueDigest !== after.catalogueDigest) {
      await recordChange(this.#ledger, "catalogue.changed", {}, { catalogue: after.catalogueDigest });
    }
  }
}

/** The policies' own words for the record; null where a payload could not hold them: their digest stands all the same. */
function recordable(texts: LoadedPolicies["texts"]): LoadedRules["policyTexts"] | null {
  const chars = texts.reduce((sum, { text }) => sum + text.length, 0);
  return chars <= POLICY_TEXTS_CHARS_MAX ? texts : null;
}

function load(files: Files, previous: Directory | null, ledger: Ledger): LoadedRules {
  const { directory, warnings } = loadDirectory(files.directory, previous, ledger.clock.now());
  const catalogue = loadCatalogue(files.catalogue);
  const policies = loadPolicies({
    dir: files.policies,
    groups: activeMembers(directory),
    factTypes: catalogue.factTypes,
  });
  const titles = new Map(
    [...catalogue.actions].flatMap(([name, { title }]) => (title === null ? [] : [[name, title] as const])),
  );
  return {
    directory,
    policies,
    classifier: composedClassifier(catalogue),
    catalogueDigest: catalogue.digest,
    policyList: policies.policies,
    policyTexts: policies.texts,
    titles,
    warnings,
  };
}

async function storedDirectory(store: Store): Promise<Directory | null> {
  const document = await store.document(DOCUMENT.kind, DOCUMENT.id);
  return document === null ? null : fromDocument(document.body);
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
