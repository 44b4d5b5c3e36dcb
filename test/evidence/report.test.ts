// What an agent writes must not become the report's own words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { join, markup } from "../../src/evidence/report/markup.ts";
import { median } from "../../src/evidence/words.ts";

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

test("a median is the middle, or what lies between the two in the middle", () => {
  assert.deepEqual([median([]), median([3]), median([5, 1]), median([9, 1, 2])], [null, 3, 3, 2]);
});
