import { test } from "node:test";
import { deepEqual, equal } from "node:assert/strict";
import { decided, exportCustomers, grantAdmin } from "../../console/fixture/requests.ts";
import { ago, timeLeft } from "../../console/src/model/time.ts";
import type { Json, View } from "../../console/src/model/view.ts";
import {
  factText,
  grouped,
  LEVELS,
  myPart,
  placesOf,
  relationWords,
  shortDigest,
  statusWord,
} from "../../console/src/model/words.ts";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const at = (ms: number): string => new Date(NOW + ms).toISOString();
const mine = { can_approve: true, can_deny: true, refusal: null };
const refused = (code: string): View["me"] => ({ can_approve: false, can_deny: false, refusal: { code, because: "" } });

test("what is left is said in digits and in words, and never rounds up", () => {
  const table: readonly (readonly [left: number, text: string, spoken: string, tone: string])[] = [
    [-1, "0:00", "no time left", "over"],
    [0, "0:00", "no time left", "over"],
    [999, "0:00", "less than a minute", "soon"],
    [42 * SECOND, "0:42", "less than a minute", "soon"],
    [MINUTE, "1:00", "1 minute", "soon"],
    [5 * MINUTE - 1, "4:59", "4 minutes", "soon"],
    [5 * MINUTE, "5:00", "5 minutes", "calm"],
    [HOUR - 1, "59:59", "59 minutes", "calm"],
    [HOUR, "1 h 00 min", "1 hour 0 minutes", "calm"],
    [3 * HOUR + 5 * MINUTE, "3 h 05 min", "3 hours 5 minutes", "calm"],
    [25 * HOUR, "1 d 1 h", "1 day 1 hour", "calm"],
  ];
  for (const [left, text, spoken, tone] of table)
    deepEqual(timeLeft(at(left), NOW), { text, spoken, tone }, String(left));
  equal(timeLeft("no time", NOW).tone, "over", "a time that cannot be read is over: nothing stays open by mistake");
});

test("how long ago", () => {
  const table: readonly (readonly [past: number, said: string])[] = [
    [-MINUTE, "just now"],
    [44 * SECOND, "just now"],
    [50 * SECOND, "1 min ago"],
    [4 * MINUTE, "4 min ago"],
    [HOUR, "1 h ago"],
    [47 * HOUR, "1 d ago"],
    [48 * HOUR, "2 d ago"],
  ];
  for (const [past, said] of table) equal(ago(at(-past), NOW), said, String(past));
  equal(ago("?", NOW), "at an unknown time");
});

test("levels begin where the score's thresholds are", () => {
  deepEqual(
    Object.values(LEVELS).map(({ from, bars }) => [from, bars]),
    [
      [0, 1],
      [30, 2],
      [60, 3],
      [85, 4],
    ],
  );
});

test("numbers and facts on one line", () => {
  const table: readonly (readonly [value: Json, text: string])[] = [
    [12000, "12\u202f000"],
    [1234567, "1\u202f234\u202f567"],
    [999, "999"],
    [-12000, "-12\u202f000"],
    [0.5, "0.5"],
    ["12000", "12000"],
    [["name", "email"], "name, email"],
    [true, "true"],
    [null, "null"],
  ];
  for (const [value, text] of table) equal(factText(value), text);
  equal(grouped(1e21), "1e+21");
});

test("a digest is shortened for the eye only", () => {
  equal(shortDigest(`sha256:${"ab".repeat(32)}`), "abababab…abababab");
  equal(shortDigest("sha256:short"), "short");
});

test("places are counted over all terms and never beyond a quorum", () => {
  const view: View = { ...grantAdmin(), me: mine };
  deepEqual(placesOf(view), { filled: 1, all: 2 });
  deepEqual(
    placesOf({
      ...view,
      terms: [
        { group: "a", quorum: 1, filled: 3 },
        { group: "b", quorum: 2, filled: 0 },
      ],
    }),
    { filled: 1, all: 3 },
  );
});

test("what a request waits for, seen by me", () => {
  const view: View = { ...exportCustomers(), me: mine };
  equal(myPart(view), "mine");
  equal(myPart({ ...view, me: refused("person_barred") }), "barred");
  equal(myPart({ ...view, me: refused("already_reviewed") }), "others");
  equal(myPart({ ...view, status: "denied" }), null);
});

test("an approved request is called what has become of it", () => {
  const ran = decided()[0];
  if (ran === undefined) throw new Error("the double has lost its decided request");
  const view: View = { ...ran, me: mine };
  const table: readonly (readonly [view: View, word: string])[] = [
    [view, "Ran"],
    [{ ...view, outcome: { status: "failed", at: at(0), details: {} } }, "Ran: failed"],
    [{ ...view, outcome: null }, "Running"],
    [{ ...view, outcome: null, permit: null }, "Approved"],
    [{ ...view, status: "pending", outcome: null, permit: null }, "Waiting for review"],
    [{ ...view, status: "cancelled" }, "Cancelled"],
  ];
  for (const [each, word] of table) equal(statusWord(each), word);
  equal(relationWords("agent_owner"), "owns the agent");
  equal(relationWords("some_new_relation"), "some new relation");
});
