import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { SECRET_KEY_BYTES_MIN, commitSecrets, hmacSha256 } from "../../../src/core/action/index.ts";
import type { JsonObject } from "../../../src/core/action/index.ts";

type Vectors = {
  secrets: { key: string; cases: { name: string; properties: JsonObject; paths: string[]; committed: JsonObject }[] };
};
const { secrets } = JSON.parse(
  readFileSync(new URL("../../../spec/vectors/canonical.json", import.meta.url), "utf8"),
) as Vectors;
const key = Buffer.from(secrets.key, "hex");

test("secrets.logged: a secret parameter becomes the commitment of the vectors, all else stays", () => {
  for (const { name, properties, paths, committed } of secrets.cases) {
    assert.deepEqual(commitSecrets(properties, paths, key), committed, name);
  }
});

test("secrets.logged: no byte of the secret is left, and another key commits otherwise", () => {
  const properties = { login: { user: "ada", password: "correct horse" } };
  const committed = JSON.stringify(commitSecrets(properties, ["/login/password"], key));
  assert.ok(!committed.includes("horse"));
  assert.notEqual(
    JSON.stringify(
      commitSecrets(
        properties,
        ["/login/password"],
        key.map((byte) => byte ^ 1),
      ),
    ),
    committed,
  );
});

test("a value that passes itself off as a commitment is refused, at any depth", () => {
  const fake = { $secret: `sha256:${"0".repeat(64)}` };
  const refused: [JsonObject, string][] = [
    [fake, "/$secret"],
    [{ a: [1, { b: fake }] }, "/a/1/b/$secret"],
    [{ a: { $secret: 1, more: 2 } }, "/a/$secret"],
  ];
  for (const [properties, pointer] of refused) {
    assert.throws(() => commitSecrets(properties, [], key), { code: "json_forbidden_key", pointer });
  }
});

test("a short key and a pointer that is none are refused", () => {
  assert.throws(() => commitSecrets({}, [], new Uint8Array(SECRET_KEY_BYTES_MIN - 1)), RangeError);
  assert.throws(() => commitSecrets({}, ["/a~2"], key), RangeError);
});

test("HMAC: a key of a whole block is not hashed, a longer one is", () => {
  for (const length of [0, 63, 64, 65]) {
    const secret = new Uint8Array(length).fill(7);
    assert.deepEqual(Buffer.from(hmacSha256(secret, key)), createHmac("sha256", secret).update(key).digest());
  }
});

test("law: HMAC-SHA-256 is that of node:crypto, for keys shorter and longer than a block", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 150 }), fc.uint8Array({ maxLength: 200 }), (secret, message) => {
      const expected = createHmac("sha256", secret).update(message).digest();
      assert.deepEqual(Buffer.from(hmacSha256(secret, message)), expected);
    }),
  );
});
