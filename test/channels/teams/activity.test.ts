import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { isJsonObject, type Json, type JsonObject } from "../../../src/core/action/index.ts";
import type { Instant } from "../../../src/core/brand.ts";
import { gestureOf, isOfService } from "../../../src/channels/teams/activity.ts";
import { Tenant } from "./tenant.ts";

let tenant: Tenant;
before(async () => {
  tenant = await Tenant.open();
});
after(() => tenant[Symbol.asyncDispose]());

const NOW = Date.UTC(2026, 5, 1, 12) as Instant;
const hash = `sha256:${"0".repeat(64)}`;
const data = { request: `arq_${"0".repeat(26)}`, digest: hash, card: hash };

/** Every path of an object, the inner ones too. */
function pathsOf(value: Json, path: readonly string[] = []): readonly (readonly string[])[] {
  if (!isJsonObject(value)) return [path];
  return [path, ...Object.entries(value).flatMap(([name, member]) => pathsOf(member, [...path, name]))];
}

function replaced(value: Json, [first, ...rest]: readonly string[], by: Json): Json {
  if (first === undefined) return by;
  return isJsonObject(value) ? { ...value, [first]: replaced(value[first] ?? null, rest, by) } : value;
}

test("whatever one member of an activity becomes: a fault, nothing, or a click of the same person on the same request", () => {
  const good: JsonObject = tenant.activity({ name: "ann", data, id: "f:1", atMs: NOW });
  const config = tenant.config();
  const whole = gestureOf(good, config, NOW);
  assert.ok("kind" in whole && whole.kind === "verdict");
  const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
  fc.assert(
    fc.property(fc.constantFrom(...pathsOf(good)), json, (path, by) => {
      const gesture = gestureOf(replaced(good, path, by), config, NOW);
      if ("fault" in gesture || gesture.kind !== "verdict") return;
      assert.deepEqual([gesture.user, gesture.request, gesture.digest], [whole.user, whole.request, whole.digest]);
      assert.equal(gesture.place.tenant, whole.place.tenant);
      assert.ok(isOfService(gesture.place.serviceUrl, config.cloud.serviceUrl));
      const sameNonce = path[0] !== "id" && path[0] !== "conversation";
      if (sameNonce) assert.equal(gesture.nonce, whole.nonce);
    }),
    { numRuns: 2000 },
  );
});

test("our token goes to the connector's own host, and to nothing that looks like it", () => {
  const own = "https://smba.trafficmanager.net/teams/";
  const rows: readonly (readonly [url: string, isOurs: boolean])[] = [
    ["https://smba.trafficmanager.net/emea/", true],
    ["https://smba.trafficmanager.net:443/amer", true],
    ["http://smba.trafficmanager.net/teams/", false],
    ["https://smba.trafficmanager.net:8443/teams/", false],
    ["https://smba.trafficmanager.net.evil.example/teams/", false],
    ["https://smba.trafficmanager.net@evil.example/", false],
    ["https://x:y@smba.trafficmanager.net/teams/", false],
    ["https://evil.example/#smba.trafficmanager.net", false],
    ["https://smba.trafficmanager.net\\@evil.example/", true],
    ["//smba.trafficmanager.net/", false],
    ["https://169.254.169.254/latest/meta-data/", false],
    ["file:///etc/passwd", false],
  ];
  for (const [url, isOurs] of rows) assert.equal(isOfService(url, own), isOurs, url);
});
