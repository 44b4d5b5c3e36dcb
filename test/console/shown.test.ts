import { webcrypto } from "node:crypto";
import { test } from "node:test";
import { deepEqual, equal } from "node:assert/strict";
import { exportCustomers, longScript } from "../../console/fixture/requests.ts";
import { checkShown, type Sha256, sameJson, shownOtherwise } from "../../console/src/model/shown.ts";
import type { Json, View } from "../../console/src/model/view.ts";

const view: View = { ...exportCustomers(), me: { can_approve: true, can_deny: true, refusal: null } };
const sha256: Sha256 = (bytes) => webcrypto.subtle.digest("SHA-256", bytes);

test("shown.differs: the page finds out when the digest is not that of what it shows", async () => {
  const table: readonly (readonly [name: string, shown: View, expected: "same" | "different"])[] = [
    ["as it is", view, "same"],
    [
      "another parameter",
      { ...view, action: { ...view.action, properties: { ...view.action.properties, limit: 10 } } },
      "different",
    ],
    ["a parameter less", { ...view, action: { name: view.action.name, properties: { limit: 12000 } } }, "different"],
    ["no parameters", { ...view, action: { name: view.action.name } }, "different"],
    ["another name", { ...view, action: { ...view.action, name: "customers.count" } }, "different"],
    ["another resource", { ...view, resource: { ...view.resource, id: "crm.test" } }, "different"],
    ["another subject", { ...view, subject: { ...view.subject, id: "someone" } }, "different"],
    ["another environment", { ...view, environment: "staging" }, "different"],
    ["no environment", { ...view, environment: null }, "different"],
    ["another digest", { ...view, digest: `sha256:${"0".repeat(64)}` }, "different"],
    ["text that is not JSON", { ...view, canonical: "{" }, "different"],
    ["text with one more space", { ...view, canonical: `${view.canonical} ` }, "different"],
    [
      "a member that the page does not show",
      { ...view, canonical: view.canonical.replace("{", '{"more":1,') },
      "different",
    ],
    ["another version of the form", { ...view, canonical: view.canonical.replace('"v":1', '"v":2') }, "different"],
  ];
  for (const [name, shown, expected] of table) equal((await checkShown(shown, sha256)).is, expected, name);
});

test("a browser that cannot hash says so, and still compares the text", async () => {
  deepEqual(await checkShown(view, null), { is: "unknown" });
  equal((await checkShown({ ...view, environment: "staging" }, null)).is, "different");
});

test("absent, null and empty properties of an action are the same, deeper they are not", () => {
  const script: View = { ...longScript(), me: view.me };
  const canonical =
    '{"v":1,"subject":{"type":"pipeline","id":"deploy-web"},"action":{"name":"exec"},"resource":{"type":"host","id":"h"},"environment":null}';
  const bare: View = {
    ...script,
    canonical,
    environment: null,
    resource: { type: "host", id: "h" },
    action: { name: "exec" },
  };
  equal(shownOtherwise(bare), null);
  equal(shownOtherwise({ ...bare, action: { name: "exec", properties: {} } }), null);
  equal(shownOtherwise({ ...bare, action: { name: "exec", properties: null } }), null);
  equal(shownOtherwise({ ...bare, action: { name: "exec", properties: { env: null } } }), "action");
});

test("JSON values are the same whatever the order of their members", () => {
  const table: readonly (readonly [a: Json, b: Json, same: boolean])[] = [
    [{ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 }, true],
    [[1, 2], [2, 1], false],
    [[1], [1, 2], false],
    [{ a: null }, {}, false],
    [{ a: null }, { b: null }, false],
    [{}, [], false],
    ["1", 1, false],
    [null, false, false],
  ];
  for (const [a, b, same] of table) {
    equal(sameJson(a, b), same, JSON.stringify([a, b]));
    equal(sameJson(b, a), same, JSON.stringify([b, a]));
  }
});
