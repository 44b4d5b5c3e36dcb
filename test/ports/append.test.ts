import assert from "node:assert/strict";
import { test } from "node:test";
import { deadlineOf, lateness } from "../../src/ports/append.ts";
import type { Instant } from "../../src/core/brand.ts";

const inTime = { until: 100_000 as Instant, now: 40_000 as Instant };

test("permit.expired: the time that an append waits for its turn counts, and so does the store's own clock", () => {
  const deadline = deadlineOf({ entries: [], inTime });
  assert.ok(deadline !== null);
  assert.equal(lateness(deadline), null);
  const waited = (ms: number): ReturnType<typeof lateness> => lateness({ ...deadline, asked: deadline.asked - ms });
  assert.equal(waited(50_000), null);
  assert.equal(waited(60_000)?.on, "time");
  assert.equal(waited(90_000)?.until, inTime.until);
  // An instance whose clock is slow is not believed; one whose clock is fast is.
  assert.equal(lateness(deadline, 99_999), null);
  assert.equal(lateness(deadline, 100_000)?.now, 100_000);
  assert.equal(lateness({ ...deadline, now: 100_000 }, 0)?.on, "time");
});

test("an append without a limit is never late", () => {
  assert.equal(deadlineOf({ entries: [] }), null);
  assert.equal(lateness(null, Number.MAX_SAFE_INTEGER), null);
});
