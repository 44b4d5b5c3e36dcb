import assert from "node:assert/strict";
import { test } from "node:test";
import { classifyHttp } from "../../src/classifiers/http/index.ts";
import type { RequestRule } from "../../src/core/risk/index.ts";
import { millisecondsOf, passes } from "../classifiers/passing.ts";

const RULES: readonly RequestRule[] = [
  { host: "api.example.com", methods: ["GET"], path: "/v1/users/{id}", effects: ["read"] },
];

test("classify.encoding: a URL that is not written as it is read never passes", () => {
  const plain = "https://api.example.com/v1/users/7";
  assert.ok(passes(classifyHttp({ method: "GET", url: plain }, RULES)));
  const dressed = [
    "HTTPS://api.example.com/v1/users/7",
    "https://API.example.com/v1/users/7",
    "https://api.example.com./v1/users/7",
    "https://user@api.example.com/v1/users/7",
    "https://@api.example.com/v1/users/7",
    "https://api.example.com@evil.example/v1/users/7",
    "https:\\\\api.example.com\\v1\\users\\7",
    "https:/api.example.com/v1/users/7",
    "https:api.example.com/v1/users/7",
    "https://api.example.com/v1/users/../users/7",
    "https://api.example.com/v1/users/%2e%2e",
    "https://api.example.com/v1/users/a%2fb",
    "https://api.example.com/v1/users/a%5cb",
    "https://api.example.com/v1/users/a%00",
    "https://api.example.com/v1/users/a%252fb",
    "https://api.example.com/v1/users/7;admin=1",
    "https://api.example.com//v1/users/7",
    "https://api.example.com/v1/users/7\n",
    " https://api.example.com/v1/users/7",
    "https://api.example.com/v1/us\ters/7",
    "https://аpi.example.com/v1/users/7",
    "https://api.example.com/v1/users/ü",
    "https://api。example.com/v1/users/7",
    "https://api.example.com:443/v1/users/7/../../../admin",
    "https://%61pi.example.com/v1/users/7",
  ];
  for (const url of dressed) assert.ok(!passes(classifyHttp({ method: "GET", url }, RULES)), url);
});

test("classify.encoding: an address of a machine's credentials is one in every spelling", () => {
  const spellings = [
    "0xa9fea9fe",
    "2852039166",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.254.169.254.",
    "①⑥⑨.254.169.254",
  ];
  for (const host of spellings) {
    const found = classifyHttp({ method: "GET", url: `http://${host}/latest/meta-data/` }, RULES);
    assert.ok(
      found.effects.some(({ effect }) => effect === "secret.read"),
      host,
    );
    assert.ok(
      (found.traits ?? []).some(({ id }) => id === "obfuscated"),
      host,
    );
  }
});

test("input.regex-dos: ten million characters of hostile URL, header and rule end quickly", () => {
  const hostile = ["a".repeat(10_000_000), `https://${"a.".repeat(5_000_000)}`, `https://x/${"%2f".repeat(3_000_000)}`];
  for (const text of hostile) {
    const took = millisecondsOf(() => {
      assert.ok(!passes(classifyHttp({ method: text, url: text, headers: [text] }, RULES)));
    });
    assert.ok(took < 5_000, `${took} ms`);
  }
});
