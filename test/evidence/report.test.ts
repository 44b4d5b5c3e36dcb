// What an agent writes must not become the report's own words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { join, markup } from "../../src/evidence/report/markup.ts";
import { median, span } from "../../src/evidence/words.ts";

test("shown.agent-narrates, input.xss: texts of others are text, and hidden characters are seen", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"],
    ['" onload="x', "&quot; onload=&quot;x"],
    ["it's & co", "it&#39;s &amp; co"],
    ["invoice\u202Efdp.exe", "invoice⟨U+202E⟩fdp.exe"],
    ["a\u200Bb\u0000c\nd", "a⟨U+200B⟩b⟨U+0000⟩c⟨U+000A⟩d"],
    ["🗝 ключ 鍵", "🗝 ключ 鍵"],
  ];
  for (const [text, expected] of cases) {
    assert.equal(markup`<p title="${text}">${text}</p>`.text, `<p title="${expected}">${expected}</p>`);
    assert.equal(markup`${[text]}`.text, expected);
  }
  assert.equal(join([markup`<b>${"<"}</b>`, markup`${markup`<i></i>`}`]).text, "<b>&lt;</b><i></i>");
});

test("spans and medians read as people say them", () => {
  const spans: readonly (readonly [number, string])[] = [
    [0, "0 s"],
    [59_400, "59 s"],
    [60_000, "1 min"],
    [61_000, "1 min 1 s"],
    [3_600_000, "1 h"],
    [5_400_000, "1 h 30 min"],
    [90_000_000, "1 d 1 h"],
  ];
  for (const [ms, expected] of spans) assert.equal(span(ms), expected);
  assert.deepEqual([median([]), median([3]), median([5, 1]), median([9, 1, 2])], [null, 3, 3, 2]);
});
