import type { Remembered } from "./remembered.ts";

/** Writes down what is wrong with the entry at hand. */
export type Complain = (because: string) => void;

/** What one check found. `not_checked` means that what it rests on failed or is gone: never read it as a pass. */
export type Verdict = "pass" | "fail" | "not_checked";

/** One thing an auditor should look at: the entry, its stream where it is known, and a sentence. */
export type Finding = { readonly index: number | null; readonly stream: string | null; readonly because: string };

export type Check = { readonly verdict: Verdict; readonly findings: readonly Finding[] };

/** What can be said of a ledger by someone who trusts only the verifier key. */
export type Report = {
  /** The checkpoint is signed, cosigned as asked, continues what was remembered, and these entries are its leaves. */
  readonly integrity: Check;
  /** No entry is missing: indexes, and the versions of every stream, count from 0 without a gap. */
  readonly completeness: Check;
  /** Payloads are what was committed to, and everything executed was allowed, or approved by the right people, in time, once. */
  readonly decisions: Check;
  /** Times go forward, approvals come before releases, and witnesses' clocks agree. */
  readonly time: Check;
  /** All four pass. */
  readonly passed: boolean;
  readonly origin: string | null;
  /** The witnesses, of those whose keys were given, that cosigned the checkpoint, and when, in POSIX seconds. */
  readonly witnessed: readonly { readonly name: string; readonly seconds: number }[];
  /** Where reading began: 0, or the size of the remembered checkpoint. */
  readonly from: number;
  /** Streams of released requests whose people and times cannot be checked any more, because a payload was erased; the first thousand. */
  readonly unreadable: readonly string[];
  readonly counts: {
    /** Entries read. */
    readonly entries: number;
    /** Entries whose payload and salt were erased: they still stand in the tree. */
    readonly erased: number;
    readonly evaluations: number;
    readonly requests: number;
    /** Requests whose permit was redeemed. */
    readonly released: number;
    /** Executed actions that told their outcome. */
    readonly completed: number;
    /** Releases that `unreadable` lists, all of them. */
    readonly unreadable: number;
  };
  /** What to bring next time as `remembered`; null unless all passed. */
  readonly remember: Remembered | null;
};

/** Findings kept of each check; the verdict counts all of them. */
export const FINDINGS_MAX = 1000;

/** Collects findings; beyond `FINDINGS_MAX` they are only counted. */
export class Findings {
  readonly #kept: Finding[] = [];
  #count = 0;

  add(because: string, index: number | null = null, stream: string | null = null): void {
    this.#count += 1;
    if (this.#kept.length < FINDINGS_MAX) this.#kept.push({ index, stream, because });
  }

  get count(): number {
    return this.#count;
  }

  /** Fails if anything was found. Otherwise passes, unless `restsOn` failed: then nothing was proven. */
  check(restsOn: readonly Findings[] = []): Check {
    if (this.#count > 0) return { verdict: "fail", findings: [...this.#kept, ...this.#beyond()] };
    if (restsOn.every((other) => other.count === 0)) return { verdict: "pass", findings: [] };
    const because = "nothing wrong was seen, but the check that this rests on failed";
    return { verdict: "not_checked", findings: [{ index: null, stream: null, because }] };
  }

  #beyond(): readonly Finding[] {
    const more = this.#count - this.#kept.length;
    return more === 0 ? [] : [{ index: null, stream: null, because: `and ${more} more` }];
  }
}
