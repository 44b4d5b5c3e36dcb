import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { importsOf, scan } from "../../tools/source.ts";
import { FILE_LINES_MAX, violations } from "../../tools/tidy.ts";

const TABLE = `# House

| room | may import | packages | entered by |
|---|---|---|---|
| \`core\` | nothing | \`node:crypto\` | \`*/index.ts\`, \`brand.ts\` |
| \`ports\` | \`core\` | nothing | any |
| \`stores/*\` | \`core\`, \`ports\` | \`node:*\` | \`index.ts\` |
| \`gates/sdk\` | \`core\` | nothing | \`index.ts\` |
| \`gates/*\` | \`core\`, \`gates/sdk\` | \`node:*\` | \`index.ts\` |
| \`server\` | \`core\`, \`ports\`, \`stores\` | \`node:*\`, \`fastify\`, \`@field/*\` | any |
| \`console\` | nothing | \`react\` | any |
| \`examples\` | nothing | \`keyturn/*\`, \`node:*\` | any |
`;

const HOUSE: Readonly<Record<string, string>> = {
  "ARCHITECTURE.md": TABLE,
  "src/core/brand.ts": "export type Instant = number;\n",
  "src/core/action/index.ts": 'export { digest } from "./digest.ts";\n',
  "src/core/action/digest.ts": 'import { hash } from "node:crypto";\nexport const digest: string = hash.name;\n',
  "src/ports/store.ts": 'import type { Instant } from "../core/brand.ts";\nexport type Row = { at: Instant };\n',
  "src/stores/memory/index.ts": 'import type { Row } from "../../ports/store.ts";\nexport type Rows = Row[];\n',
  "src/stores/sqlite/index.ts":
    'import { digest } from "../../core/action/index.ts";\nexport const path: string = digest;\n',
  "src/gates/sdk/index.ts": 'export { digest } from "../../core/action/index.ts";\n',
  "src/gates/exec/index.ts": 'export { digest } from "../sdk/index.ts";\n',
  "src/server/main.ts":
    'import fastify from "fastify";\nimport "@field/plugin";\nexport type { Rows } from "../stores/memory/index.ts";\nexport const app: unknown = fastify;\n',
  "console/src/page.tsx":
    'import { useState } from "react";\nexport const Page = () => <p>Don\'t say {useState}</p>;\n',
  "examples/sdk.ts": 'import { connect } from "keyturn/sdk";\nconnect("http://127.0.0.1:7117");\n',
};

/** What tidy says of the house with these files planted in it; null takes a file away. */
function found(planted: Readonly<Record<string, string | null>>): string[] {
  const root = mkdtempSync(join(tmpdir(), "tidy-"));
  try {
    for (const [path, text] of Object.entries({ ...HOUSE, ...planted })) {
      if (text === null) continue;
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return violations(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

test("a tidy house has no violation", () => {
  assert.deepEqual(found({}), []);
});

test("every planted edge is found", () => {
  const cases: readonly (readonly [path: string, code: string, expected: string])[] = [
    ["src/core/risk/index.ts", 'import "node:fs";', "`core` may not import the package `node:fs`"],
    ["src/core/risk/index.ts", 'import "node:crypto/x";', "`core` may not import the package `node:crypto/x`"],
    ["src/core/risk/index.ts", 'import "../../ports/store.ts";', "`core` may not import `ports`"],
    ["src/ports/clock.ts", 'import "zod";', "`ports` may not import the package `zod`"],
    [
      "src/ports/clock.ts",
      'export type { A } from "../core/action/digest.ts";',
      "enter `core` by */index.ts, brand.ts, not by `action/digest.ts`",
    ],
    [
      "src/ports/clock.ts",
      'import "../core/action/deep/index.ts";',
      "enter `core` by */index.ts, brand.ts, not by `action/deep/index.ts`",
    ],
    ["src/stores/memory/a.ts", 'import "../sqlite/index.ts";', "`stores/memory` may not import `stores/sqlite`"],
    [
      "src/stores/memory/a.ts",
      'const x = await import("../sqlite/index.ts");',
      "`stores/memory` may not import `stores/sqlite`",
    ],
    [
      "src/stores/memory/a.ts",
      'new Worker(new URL("../sqlite/worker.ts", import.meta.url));',
      "`stores/memory` may not import `stores/sqlite`",
    ],
    ["src/stores/memory/a.ts", 'import "fastify";', "`stores/memory` may not import the package `fastify`"],
    ["src/gates/exec/a.ts", 'import "../../server/main.ts";', "`gates/exec` may not import `server`"],
    ["src/gates/exec/a.ts", 'import "../sdk/inner.ts";', "enter `gates/sdk` by index.ts, not by `inner.ts`"],
    ["src/gates/sdk/a.ts", 'import "node:fs";', "`gates/sdk` may not import the package `node:fs`"],
    ["src/gates/sdk/a.ts", 'import "../exec/index.ts";', "`gates/sdk` may not import `gates/exec`"],
    [
      "src/server/a.ts",
      'import "../stores/sqlite/writer.ts";',
      "enter `stores/sqlite` by index.ts, not by `writer.ts`",
    ],
    ["src/server/a.ts", 'import "../../tools/tidy.ts";', "`server` may not reach `tools/tidy.ts`, which is no room"],
    ["src/server/a.ts", "const x = await import(name);", "an import must name its file"],
    ["src/server/a.ts", "const x = await import(`./${name}.ts`);", "an import must name its file"],
    ["console/src/a.ts", 'import "../../src/core/brand.ts";', "`console` may not import `core`"],
    ["console/src/a.ts", 'import "lodash";', "`console` may not import the package `lodash`"],
    ["examples/a.ts", 'import "../src/gates/sdk/index.ts";', "`examples` may not import `gates/sdk`"],
  ];
  for (const [path, code, expected] of cases) {
    assert.deepEqual(found({ [path]: `${code}\n` }), [`${path}:1: ${expected}`], code);
  }
});

test("a folder without a row is a violation, and so is a row without a folder", () => {
  const nobody = ": no row of ARCHITECTURE.md covers this folder; a new room is an ADR";
  assert.deepEqual(found({ "src/brokers/aws.ts": "export {};\n" }), [`src/brokers/aws.ts${nobody}`]);
  assert.deepEqual(found({ "src/gates/loose.ts": "export {};\n" }), [`src/gates/loose.ts${nobody}`]);
  assert.deepEqual(found({ "src/loose.ts": "export {};\n" }), [`src/loose.ts${nobody}`]);
  assert.deepEqual(found({ "examples/sdk.ts": null }), [
    "ARCHITECTURE.md:12: nobody lives in `examples`; drop the row",
  ]);
});

test("the table is checked too", () => {
  const page = (from: string, to: string): Record<string, string> => ({ "ARCHITECTURE.md": TABLE.replace(from, to) });
  assert.deepEqual(found(page("| `ports` | `core` |", "| `ports` | `core`, `sevrer` |")), [
    "ARCHITECTURE.md:6: `sevrer` is no room of the table",
  ]);
  assert.deepEqual(found(page("| `core` | nothing |", "| `core` | `ports` |")), [
    "ARCHITECTURE.md:5: `core` and `ports` may import each other",
    "ARCHITECTURE.md:6: `ports` and `core` may import each other",
  ]);
  assert.match(found(page("| `ports` |", "| `core` |")).join("\n"), /ARCHITECTURE\.md:6: `core` stands twice/);
  assert.throws(() => found(page("entered by", "doors")), /no table with the columns room \| may import/);
  assert.deepEqual(found({ "ARCHITECTURE.md": null }), ["ARCHITECTURE.md: missing; it holds the table of rooms"]);
});

test("names, sizes, escapes and exports", () => {
  const cases: readonly (readonly [path: string, text: string, expected: RegExp])[] = [
    ["src/server/utils/a.ts", "", /`utils` says nothing/],
    ["src/server/types.ts", "", /`types` says nothing/],
    ["test/server/helpers.test.ts", "", /`helpers` says nothing/],
    ["src/server/a.ts", "x\n".repeat(FILE_LINES_MAX + 1), /401 lines, at most 400/],
    ["src/server/a.ts", "const x = y as any;", /a\.ts:1: `any`/],
    ["src/server/a.ts", "\nfunction f(x: any): void {}", /a\.ts:2: `any`/],
    ["src/server/a.ts", "let x: Map<string, any>;", /`any`/],
    ["src/server/a.ts", "let x: any[];", /`any`/],
    ["src/server/a.ts", "const x = y as unknown as string;", /`as unknown as`/],
    ["src/server/a.ts", "const x = y as never;", /`as never`/],
    ["src/server/a.ts", "// @ts-expect-error\nx();", /a\.ts:1: the compiler is not to be silenced/],
    ["src/server/a.ts", "/* oxlint-disable no-console */", /needs its reason/],
    ["src/server/a.ts", "export default 1;", /no default exports/],
    ["src/server/a.ts", "export { x as default };", /no default exports/],
    ["src/server/a.ts", 'export * from "./main.ts";', /no `export \*`/],
    ["docs/a.md", `see /${"home"}/joe/project`, /docs\/a\.md:1: a path of one machine/],
    ["src/server/a.ts", `const x = "/${"root"}/keys";`, /a path of one machine/],
    [".npmrc", "registry=https://npm.example.com", /the host of a package registry/],
    ["package-lock.json", `"resolved": "https://${"registry"}.example.com/a.tgz"`, /the host of a package registry/],
  ];
  for (const [path, text, expected] of cases) {
    const lines = found({ [path]: text });
    assert.equal(lines.length, 1, `${text}: ${lines.join("; ")}`);
    assert.match(lines[0] ?? "", expected);
  }
});

test("words in comments, strings and patterns are not code", () => {
  const innocent = [
    "// as any, export default, import('./x.ts')",
    'const a = "as any"; /* : any */',
    "const b = `export * from ${a /* as any */}`;",
    "const c = /as any|'|\"|`/.test(a) ? a.length / 2 : 1 / 2;",
    "const d = { company: 1, any: 2 }; d.any;",
    "for (const e of list) e satisfies never;",
    "// oxlint-disable-next-line no-console -- the terminal is what this command is for",
    "const f = await import('./main.ts');",
    'const g = Buffer.from("fastify-not"); array.from ("zod");',
  ];
  assert.deepEqual(found({ "src/server/a.ts": innocent.join("\n") }), []);
});

test("the reader keeps what stands after a template, a pattern or an apostrophe", () => {
  const source = scan(
    'const a = `x${`y${"z"}`}`;\nconst b = /[/"]/; import "./c.ts";\n<p>don\'t</p>; import("./d.ts");\n',
  );
  assert.deepEqual(importsOf(source), [
    { specifier: "./c.ts", line: 2 },
    { specifier: "./d.ts", line: 3 },
  ]);
});
