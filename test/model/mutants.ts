// Changes of the model that each leave one rule out: the model's own laws must notice every one, and so must the engine, which
// does not do what such a model says.

export type Mutant = {
  readonly bug: string;
  /** A law of the model that such a change breaks. */
  readonly law: string;
  readonly from: string;
  readonly to: string;
};

export const LAWS: readonly string[] = [
  "permit_replayed",
  "permit_expired",
  "permit_other_gate",
  "self_same_account",
  "approver_removed",
  "quorum_declared_not_enforced",
  "quorum_race",
  "default_timeout",
  "ledger_skip",
];

export const MUTANTS: readonly Mutant[] = [
  {
    bug: "a permit is used without a look at what was read",
    law: "permit_replayed",
    from: "if (r.version != p.version) alone(",
    to: "if (r.version < 0) alone(",
  },
  {
    bug: "time is judged when a commit is asked for",
    law: "permit_expired",
    from: "else if (now >= p.plan.limit) alone(",
    to: "else if (now >= NEVER) alone(",
  },
  {
    bug: "the permit that was issued last limits the use of every permit",
    law: "permit_expired",
    from: "doing(used, least(op.permit.exp, r.until),",
    to: 'doing(used, least(if (r.permit == "issued") r.exp else NEVER, r.until),',
  },
  {
    bug: "a permit is used at any gate",
    law: "permit_other_gate",
    from: 'else if (not(mine)) told(r, "permit_other_gate")',
    to: 'else if (false) told(r, "permit_other_gate")',
  },
  {
    bug: "whoever stands behind the action may approve it",
    law: "self_same_account",
    from: 'else if (op.who.in(r.barred)) recorded(r, "person_barred")',
    to: 'else if (false) recorded(r, "person_barred")',
  },
  {
    bug: "approvers are not looked at again",
    law: "approver_removed",
    from: "else if (fallenOf(r, active) != Set())",
    to: "else if (false)",
  },
  {
    bug: "one approval is enough",
    law: "quorum_declared_not_enforced",
    from: "val complete = approvals.size() >= QUORUM",
    to: "val complete = approvals.size() >= 1",
  },
  {
    bug: "a request that is over is reviewed again",
    law: "quorum_race",
    from: 'else if (r.status != "pending") told(r, "request_closed")\n    else if (not(op.who',
    to: 'else if (r.status == "approved") told(r, "request_closed")\n    else if (not(op.who',
  },
  {
    bug: "a review is taken after the time of the request",
    law: "default_timeout",
    from: '      }, HOLD, "ok", "request_expired")',
    to: '      }, NEVER, "ok", "request_expired")',
  },
  {
    bug: "a second attempt is told what the first was told",
    law: "permit_replayed",
    from: 'r.permit == "redeemed" and r.attempt == op.attempt and mine',
    to: 'r.permit == "redeemed" and mine',
  },
];

/** The model with the change made; a line that does not stand there exactly once is a mistake. */
export function mutated(model: string, { from, to }: Mutant): string {
  const times = model.split(from).length - 1;
  if (times !== 1) throw new Error(`\`${from}\` stands ${times} times in the model; the mutant has to follow it`);
  return model.replace(from, () => to);
}
