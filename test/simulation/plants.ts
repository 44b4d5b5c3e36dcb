// Bugs that are planted on purpose, each as an edit of named lines while the module is loaded: the sources stay as they are,
// and a line that has moved or changed makes its plant fail loudly.
import { registerHooks } from "node:module";
import { readFileSync } from "node:fs";

export type Edit = { readonly file: string; readonly from: string; readonly to: string };
export type Plant = {
  /** The threats of the laws that such a bug breaks; which of them is broken first depends on the seed. */
  readonly threats: readonly string[];
  readonly bug: string;
  readonly edits: readonly Edit[];
};

const DECIDE = "src/core/approval/decide.ts";
const STATE = "src/core/approval/state.ts";
const PERMIT = "src/core/permit/permit.ts";
const PERMITS = "src/engine/permits.ts";
const JOURNAL = "src/engine/journal.ts";
const REQUESTS = "src/engine/requests.ts";
const APPEND = "src/ports/append.ts";

/** The store judges time once more, at the commit: where the engine is wrong by a hair, the store has to be told so. */
const lateStore = (what: string, limit: string): Edit => ({
  file: JOURNAL,
  from: `${what}limits.push(${limit});`,
  to: `${what}limits.push(${limit} + 1);`,
});

export const PLANTS: readonly Plant[] = [
  {
    threats: ["approver.removed"],
    bug: "approvers are not looked at again at redemption",
    edits: [
      {
        file: PERMITS,
        from: "const voids = recheck(state, ctx.rules().directory, at);",
        to: "const voids = recheck(state, ctx.rules().directory, at).slice(0, 0);",
      },
    ],
  },
  {
    threats: ["permit.expired"],
    bug: "`>` for `>=` at the end of a permit",
    edits: [
      { file: PERMIT, from: "if (by.at >= claims.expiresAt)", to: "if (by.at > claims.expiresAt)" },
      { file: PERMITS, from: "{ notAfter: claims.expiresAt }", to: "{ notAfter: claims.expiresAt + 1 }" },
      lateStore("", "progress.permit.expiresAt"),
    ],
  },
  {
    threats: ["permit.expired", "default.timeout"],
    bug: "time is judged when an append is asked for, not when it is committed",
    edits: [{ file: APPEND, from: "if (at < until) return null;", to: "if (at !== 0) return null;" }],
  },
  {
    threats: ["permit.expired"],
    bug: "`<=` for `<` at the end of an approval",
    edits: [
      {
        file: STATE,
        from: 'return isOpen(state) && now < (progress.status === "approved"',
        to: 'return isOpen(state) && now <= (progress.status === "approved"',
      },
      {
        file: JOURNAL,
        from: "limits.push(event.expiresAt);",
        to: "limits.push(progress.approvedUntil + 1);",
      },
    ],
  },
  {
    threats: ["default.timeout"],
    bug: "`>` for `>=` at the end of a request",
    edits: [
      {
        file: STATE,
        from: '=== "pending" && now >= state.opened.expiresAt',
        to: '=== "pending" && now > state.opened.expiresAt',
      },
      lateStore('if (event.type === "review.recorded") ', "opened.expiresAt"),
      // The sweeper's and the reviews' own look at the same end has to be as wrong.
      {
        file: STATE,
        from: "progress.approvedUntil : opened.expiresAt);",
        to: "progress.approvedUntil : opened.expiresAt + 1);",
      },
    ],
  },
  {
    threats: ["quorum.many-accounts", "quorum.double-click", "quorum.one-person-many-groups"],
    bug: "accounts are counted instead of people",
    edits: [
      {
        file: STATE,
        from: "reviews: [...withoutPerson(state.reviews, event.review.person), event.review]",
        to: "reviews: [...state.reviews, event.review]",
      },
      {
        file: DECIDE,
        from: "(r) => r.person === reviewer.person);",
        to: "(r) => r.account.subject === command.account.subject);",
      },
      {
        file: "src/core/approval/matching.ts",
        from: "const people = distinct(candidates);",
        to: "const people = candidates.map((one, at) => ({ ...one, person: `${one.person}#${at}` as typeof one.person }));",
      },
    ],
  },
  {
    threats: ["quorum.one-person-many-groups", "quorum.declared-not-enforced"],
    bug: "reviews are counted instead of seated",
    edits: [
      {
        file: "src/core/approval/matching.ts",
        from: "terms.length > 0 && seated.size === places.length",
        to: "terms.length > 0 && people.length >= places.length",
      },
    ],
  },
  {
    threats: ["default.timeout"],
    bug: "a late sweeper releases what nobody answered",
    edits: [
      {
        file: DECIDE,
        from: '{ type: "request.expired" }];',
        to: '{ type: "request.approved", approval: approvalOf(state.opened.id), by: [], approvedUntil: (at + 60_000) as Instant }];',
      },
    ],
  },
  {
    threats: ["flood.requests"],
    bug: "the idempotency key is ignored",
    edits: [
      { file: REQUESTS, from: "if (wanted.key === null) return {};", to: "if (wanted.key !== undefined) return {};" },
    ],
  },
  {
    threats: ["quorum.race", "quorum.double-click", "permit.replayed", "permit.raced", "default.crash", "ledger.skip"],
    bug: "the version that was read is ignored: events go to whatever the end is now",
    edits: [
      {
        file: JOURNAL,
        from: "const first = before?.version ?? 0;",
        to: "const first = (await ctx.store.stream(stream)).length;",
      },
    ],
  },
  {
    threats: ["flood.requests"],
    bug: "the slot of an action is taken although another request holds it",
    edits: [
      {
        file: "src/stores/memory/slots.ts",
        from: "if (holder !== undefined && holder !== change.holder) {",
        to: "if (holder === change.holder && holder === undefined) {",
      },
    ],
  },
  {
    threats: ["self.same-account"],
    bug: "whoever stands behind a later attempt is not barred",
    edits: [{ file: DECIDE, from: "...attempt, barred: fresh };", to: "...attempt, barred: [] };" }],
  },
  {
    threats: ["permit.other-gate"],
    bug: "a permit of another gate is accepted",
    edits: [{ file: PERMIT, from: "if (claims.gate !== by.gate)", to: 'if (claims.gate === "")' }],
  },
  {
    threats: ["quorum.race"],
    bug: "a denial ends nothing",
    edits: [
      {
        file: DECIDE,
        from: 'if (verdict === "deny") return [...events, { type: "request.denied", by: reviewer.person }];',
        to: 'if (verdict === "deny") return events;',
      },
    ],
  },
  {
    threats: ["quorum.race"],
    bug: "a denied request can still be approved",
    edits: [
      {
        file: DECIDE,
        from: 'if (status !== "pending") return refuse("request_closed");\n  if (command',
        to: 'if (status !== "pending" && status !== "denied") return refuse("request_closed");\n  if (command',
      },
      {
        file: STATE,
        from: 'if (!isOpen(state) && event.type !== "review.refused"',
        to: 'if (!isOpen(state) && state.progress.status !== "denied" && event.type !== "review.refused"',
      },
      {
        file: STATE,
        from: 'if (state.progress.status !== "pending") throw',
        to: 'if (state.progress.status === "approved") throw',
      },
      {
        file: STATE,
        from: 'if (progress.status !== "pending" && !reopened) {',
        to: 'if (progress.status !== "pending" && progress.status !== "denied" && !reopened) {',
      },
    ],
  },
  {
    threats: ["flood.requests"],
    bug: "what people have just denied is asked again",
    edits: [
      {
        file: "src/engine/evaluate.ts",
        from: "if (request === null || at >= request.changedAt",
        to: "if (request === null || at >= 0 * request.changedAt",
      },
    ],
  },
  {
    threats: ["permit.replayed"],
    bug: "a second attempt is told what the first was told",
    edits: [{ file: PERMITS, from: "permit.attempt !== attempt ||\n", to: "" }],
  },
  {
    threats: ["ledger.skip", "permit.replayed"],
    bug: "a redemption is answered although its append was refused",
    edits: [
      {
        file: PERMITS,
        from: 'if (result.status !== "committed") return isLate(result) ? refuse("permit_expired") : "again";',
        to: 'if (result.status !== "committed") return { id: permit, at, receipt: { index: 0, size: 0 } };',
      },
    ],
  },
  {
    threats: ["permit.raced"],
    bug: "a redemption whose answer was lost is refused when it is asked again",
    edits: [
      {
        file: PERMITS,
        from: "if (repeated !== null) return repeated;",
        to: 'if (repeated !== null) return refuse("permit_redeemed");',
      },
    ],
  },
  {
    threats: ["quorum.declared-not-enforced", "shown.differs"],
    bug: "policy is not asked again at redemption",
    edits: [{ file: PERMITS, from: "return covers(state,", to: "return null && covers(state," }],
  },
  {
    threats: ["approver.late-member", "quorum.one-person-many-groups"],
    bug: "whoever joins the group after the request may review it",
    edits: [
      {
        file: "src/core/approval/eligibility.ts",
        from: "membership.since <= ask.openedAt",
        to: "membership.since <= Infinity",
      },
    ],
  },
  {
    threats: ["approver.removed"],
    bug: "whoever was deactivated may still review",
    edits: [
      { file: "src/core/approval/eligibility.ts", from: "if (!person.active) return", to: "if (!person.id) return" },
    ],
  },
  {
    threats: ["self.unknown-initiator"],
    bug: "one person is enough where nobody is known behind the action",
    edits: [
      {
        file: REQUESTS,
        from: "behind.barred.length === 0 || behind.unknown.length > 0",
        to: "behind.barred.length < 0",
      },
    ],
  },
];

/** The text with every edit made; an edit whose line does not stand there exactly once is a mistake. */
export function planted(file: string, text: string, edits: readonly Edit[]): string {
  return edits.reduce((source, edit) => {
    const times = source.split(edit.from).length - 1;
    if (times !== 1)
      throw new Error(`\`${edit.from}\` stands ${times} times in ${file}; the plant has to follow the source`);
    return source.replace(edit.from, () => edit.to);
  }, text);
}

/** From now on modules of this thread load with the bug. Throws at once when a line of it has moved. */
export function plant({ edits }: Plant, root: string): void {
  const urls = new Map<string, string>();
  for (const file of new Set(edits.map((edit) => edit.file))) {
    const url = new URL(file, root);
    urls.set(
      url.href,
      planted(
        file,
        readFileSync(url, "utf8"),
        edits.filter((edit) => edit.file === file),
      ),
    );
  }
  registerHooks({
    load(url, context, next) {
      const source = urls.get(url);
      return source === undefined ? next(url, context) : { ...next(url, context), source };
    },
  });
}
