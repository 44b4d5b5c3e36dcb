import { test } from "node:test";
import { deepEqual, equal } from "node:assert/strict";
import { decided, dropTable, exportCustomers, grantAdmin, type Held } from "../../console/fixture/requests.ts";
import { decidedOf, newest, news, pendingOf, step } from "../../console/src/model/requests.ts";
import type { Review, View } from "../../console/src/model/view.ts";

const seen = (held: Held): View => ({ ...held, me: { can_approve: true, can_deny: true, refusal: null } });
const base = seen(exportCustomers());
const review = (voided = false): Review => ({
  person: { id: "per_1", name: "One" },
  verdict: "approve",
  at: "2026-01-01T00:00:00Z",
  reason: null,
  channel: "console",
  voided,
});

test("pending requests stand in the order in which they run out, decided ones newest first", () => {
  const views = [dropTable(), exportCustomers(), grantAdmin(), ...decided()].map(seen);
  deepEqual(
    pendingOf(views).map((view) => view.action.name),
    ["iam.grant", "customers.export", "sql.execute"],
  );
  deepEqual(
    decidedOf(views).map((view) => view.status),
    ["approved", "denied", "expired"],
  );
});

test("an answer that was overtaken never wins over one that knows more", () => {
  const approved: View = { ...base, status: "approved", reviews: [review()] };
  const issued: View = { ...approved, permit: { status: "issued", at: null } };
  const redeemed: View = { ...approved, permit: { status: "redeemed", at: "2026-01-01T00:00:01Z" } };
  const done: View = { ...redeemed, outcome: { status: "succeeded", at: "2026-01-01T00:00:02Z", details: {} } };
  const reopened: View = { ...base, reviews: [review(true)] };
  const expired: View = { ...base, status: "expired" };
  const table: readonly (readonly [name: string, earlier: View, later: View])[] = [
    ["a decision", base, approved],
    ["a redemption", issued, redeemed],
    ["an outcome", redeemed, done],
    ["a voided review that opens the request again", issued, reopened],
    ["an expiry", base, expired],
    ["a second approval after a voided one", reopened, { ...approved, reviews: [review(true), review()] }],
  ];
  for (const [name, earlier, later] of table) {
    equal(newest(earlier, later), later, name);
    equal(newest(later, earlier), later, `${name}, overtaken`);
  }
  equal(newest(undefined, base), base);
  const again = { ...base };
  equal(newest(base, again), again, "at a tie the later arrival");
});

test("changes are said aloud once, and nothing else is", () => {
  const approved: View = { ...base, status: "approved" };
  const table: readonly (readonly [held: View | undefined, arrived: View, said: string | null])[] = [
    [undefined, base, "New request, high risk: Export 12,000 customers"],
    [undefined, approved, null],
    [base, base, null],
    [base, approved, "Export 12,000 customers: approved"],
    [base, { ...base, reviews: [review()] }, "Export 12,000 customers: a new review"],
    [approved, { ...approved, permit: { status: "redeemed", at: null } }, "Export 12,000 customers: released"],
  ];
  for (const [held, arrived, said] of table) equal(news(held, arrived), said);
});

test("j and k walk the list and stop at its ends", () => {
  const ids = ["a", "b", "c"];
  const table: readonly (readonly [from: string | null, by: 1 | -1, to: string | null])[] = [
    [null, 1, "a"],
    [null, -1, "a"],
    ["a", 1, "b"],
    ["c", 1, "c"],
    ["b", -1, "a"],
    ["a", -1, "a"],
    ["gone", 1, "a"],
  ];
  for (const [from, by, to] of table) equal(step(ids, from, by), to, `${String(from)} ${by}`);
  equal(step([], null, 1), null);
});
