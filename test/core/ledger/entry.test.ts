import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { JSON_DEPTH_MAX } from "../../../src/core/action/index.ts";
import type { Json, JsonObject } from "../../../src/core/action/index.ts";
import type { Instant, StreamName } from "../../../src/core/brand.ts";
import {
  ENTRY_HEADER_BYTES_MAX,
  ENTRY_SALT_BYTES,
  leafHash,
  openEntry,
  sealEntry,
} from "../../../src/core/ledger/index.ts";
import type { EntryContent } from "../../../src/core/ledger/index.ts";
import { HEADER_BYTES_MAX } from "../../../src/ports/store.ts";
import type { NewEntry } from "../../../src/ports/store.ts";

type Vector = {
  stream: StreamName;
  version: number;
  type: string;
  at: Instant;
  salt: string;
  payload: Json;
  public: JsonObject;
  header: string;
  payloadBytes: string;
  leaf: string;
};
const { entries: vectors } = JSON.parse(
  readFileSync(new URL("../../../spec/vectors/ledger.json", import.meta.url), "utf8"),
) as { entries: Vector[] };

const content: EntryContent = {
  stream: "request/arq_00000000000000000000000000" as StreamName,
  version: 3,
  type: "request.denied",
  at: 1_800_000_000_000 as Instant,
  salt: new Uint8Array(ENTRY_SALT_BYTES).fill(9),
  payload: { by: "ada" },
  publics: { digest: "sha256:00" },
};
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const bytes = (input: string): Uint8Array => new TextEncoder().encode(input);

test("entries are those of the vectors to the byte, and open again", () => {
  for (const vector of vectors) {
    const salt = Buffer.from(vector.salt, "hex");
    const sealed = sealEntry({ ...vector, salt, publics: vector.public }) satisfies NewEntry;
    assert.equal(text(sealed.header), vector.header);
    assert.equal(Buffer.from(sealed.payload).toString("hex"), vector.payloadBytes);
    assert.equal(Buffer.from(leafHash(sealed.header)).toString("hex"), vector.leaf);
    const opened = openEntry(sealed.header, sealed.payload, sealed.salt);
    const { stream, version, type, at, payload } = vector;
    const commitment = (JSON.parse(vector.header) as { commitment: string }).commitment;
    assert.deepEqual(opened, { stream, version, type, at, commitment, publics: vector.public, payload, erased: false });
  }
});

test("privacy.erase: an entry without payload and salt still opens; with only one of them it does not", () => {
  const { header, payload, salt } = sealEntry(content);
  const { payload: left, erased, ...rest } = openEntry(header, null, null);
  assert.deepEqual([left, erased], [null, true]);
  assert.equal(rest.type, content.type);
  assert.throws(() => openEntry(header, payload, null), { code: "entry_invalid" });
  assert.throws(() => openEntry(header, null, salt), { code: "entry_invalid" });
});

test("privacy.reverse-digest: the same payload under another salt commits otherwise", () => {
  const commitments = [1, 2].map((fill) => {
    const { header } = sealEntry({ ...content, salt: new Uint8Array(ENTRY_SALT_BYTES).fill(fill) });
    return openEntry(header, null, null).commitment;
  });
  assert.notEqual(commitments[0], commitments[1]);
});

test("ledger.edit: every changed byte of payload or salt is noticed, every changed byte of the header changes the leaf", () => {
  const sealed = sealEntry(content);
  const flip = (given: Uint8Array, at: number): Uint8Array => given.with(at, (given[at] ?? 0) ^ 1);
  sealed.payload.forEach((_, at) => {
    assert.throws(() => openEntry(sealed.header, flip(sealed.payload, at), sealed.salt), {
      code: "entry_invalid",
      pointer: "/commitment",
    });
  });
  sealed.salt.forEach((_, at) => {
    assert.throws(() => openEntry(sealed.header, sealed.payload, flip(sealed.salt, at)), { code: "entry_invalid" });
  });
  // A byte that moves over the border between salt and payload is a change, too.
  const joined = Buffer.concat([sealed.salt, sealed.payload]);
  assert.throws(() => openEntry(sealed.header, joined.subarray(33), joined.subarray(0, 33)), { code: "entry_invalid" });
  sealed.header.forEach((_, at) => assert.notDeepEqual(leafHash(flip(sealed.header, at)), leafHash(sealed.header)));
});

test("a header that the writer would not have written is refused", () => {
  const good = text(sealEntry(content).header);
  const edit = (change: (header: { [member: string]: unknown }) => void): string => {
    const header = JSON.parse(good) as { [member: string]: unknown };
    change(header);
    return JSON.stringify(Object.fromEntries(Object.entries(header).sort(([a], [b]) => (a < b ? -1 : 1))));
  };
  assert.equal(
    edit(() => {}),
    good,
  );
  const odd: [string, string][] = [
    ["nothing", ""],
    ["white space", good.replace(":", ": ")],
    ["a trailing newline", `${good}\n`],
    ["another order", `{"v":1,${good.slice(1).replace(',"v":1', "")}`],
    ["an escape that is not the shortest", good.replace("denied", "d\\u0065nied")],
    ["a duplicate", good.replace('"v":1', '"v":1,"v":1')],
    ["a list", "[]"],
    ["null", "null"],
    ["another version of the format", edit((h) => (h["v"] = 2))],
    ["a member more", edit((h) => (h["who"] = "ada"))],
    ["a member less", edit((h) => delete h["public"])],
    ["a time that is none", edit((h) => (h["time"] = "2026-02-30T00:00:00.000Z"))],
    ["a time in seconds", edit((h) => (h["time"] = 1_800_000_000))],
    ["a commitment that is none", edit((h) => (h["commitment"] = "sha256:00"))],
    ["a negative version", edit((h) => (h["version"] = -1))],
    ["a fractional version", edit((h) => (h["version"] = 0.5))],
    ["a version as text", edit((h) => (h["version"] = "3"))],
    ["a stream with a space", edit((h) => (h["stream"] = "request/a b"))],
    ["a stream with a newline", edit((h) => (h["stream"] = "request/a\n"))],
    ["a type without a dot", edit((h) => (h["type"] = "request"))],
    ["a type with capitals", edit((h) => (h["type"] = "Request.denied"))],
    ["public members as a list", edit((h) => (h["public"] = []))],
    ["too long", edit((h) => (h["public"] = { x: "y".repeat(ENTRY_HEADER_BYTES_MAX) }))],
  ];
  for (const [name, header] of odd) {
    assert.throws(() => openEntry(bytes(header), null, null), { name: "InputError", code: "entry_invalid" }, name);
  }
});

test("content that could not be read back is not sealed", () => {
  const odd: [string, Partial<EntryContent>][] = [
    ["a short salt", { salt: new Uint8Array(31) }],
    ["a header over the limit", { publics: { x: "y".repeat(ENTRY_HEADER_BYTES_MAX) } }],
    ["a negative version", { version: -1 }],
    ["a type without a dot", { type: "denied" }],
    ["a stream with a space", { stream: "a b" as StreamName }],
    ["an empty stream", { stream: "" as StreamName }],
  ];
  for (const [name, change] of odd)
    assert.throws(() => sealEntry({ ...content, ...change }), { code: "entry_invalid" }, name);
  assert.throws(() => sealEntry({ ...content, payload: "\0" }), { code: "json_nul" });
  assert.throws(() => sealEntry({ ...content, at: -1 as Instant }), RangeError);
});

test("the deepest and largest question fits into a payload, and the limits of port and core agree", () => {
  assert.equal(HEADER_BYTES_MAX, ENTRY_HEADER_BYTES_MAX);
  const deep = JSON.parse("[".repeat(JSON_DEPTH_MAX) + "]".repeat(JSON_DEPTH_MAX)) as Json;
  const large = "é\u0001".repeat(300_000);
  const payload = {
    request: { question: { action: { properties: { deep, large } } }, canonical: JSON.stringify(large) },
  };
  const sealed = sealEntry({ ...content, payload });
  assert.deepEqual(openEntry(sealed.header, sealed.payload, sealed.salt).payload, payload);
});

test("law: whatever is sealed opens to the same", () => {
  const value = fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<Json>(null, true, false, 0, 1.5, -7),
      fc.string({ unit: "grapheme" }).filter((given) => !given.includes("\0")),
      fc.array(tie("json"), { maxLength: 3 }),
    ),
  })).json;
  fc.assert(
    fc.property(
      value,
      fc.nat(),
      fc.nat(2 ** 40),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (payload, version, at, salt) => {
        const given = { ...content, payload, version, at: at as Instant, salt, publics: { payload: "p" } };
        const sealed = sealEntry(given);
        const opened = openEntry(sealed.header, sealed.payload, sealed.salt);
        assert.deepEqual(
          [opened.payload, opened.version, opened.at, opened.publics],
          [payload, version, at, given.publics],
        );
      },
    ),
  );
});
