import assert from "node:assert/strict";
import type { Json, JsonObject } from "../../src/core/action/index.ts";

/** What a value must be: a type, one of a list, an object with members, or a list of one shape. `?` may be left out. */
type Shape =
  | "string"
  | "integer"
  | "boolean"
  | "any"
  | readonly (string | number)[]
  | { readonly [member: string]: Shape }
  | { readonly list: Shape };

const USER: Shape = { uid: "string", "name?": "string", "type_id?": [0, 1, 2, 3, 4, 99], "type?": "string" };
const RESOURCES: Shape = { list: { "uid?": "string", "name?": "string", "type?": "string" } };

/** Attributes of OCSF 1.6's base event, of its profile `security_control`, and of metadata and product. */
const BASE = {
  metadata: {
    version: ["1.6.0"],
    product: { name: "string", vendor_name: "string", "version?": "string" },
    "profiles?": { list: ["security_control"] },
    "uid?": "string",
    "sequence?": "integer",
    "event_code?": "string",
    "original_time?": "string",
    "log_provider?": "string",
    "correlation_uid?": "string",
  },
  time: "integer",
  severity_id: [0, 1, 2, 3, 4, 5, 6, 99],
  "status_id?": [0, 1, 2, 99],
  "message?": "string",
  "unmapped?": "any",
  "action_id?": [0, 1, 2],
  "action?": ["Allowed", "Denied"],
  "disposition_id?": [1, 2, 8, 14, 17, 24, 25, 26],
  "disposition?": "string",
  "risk_level_id?": [0, 1, 2, 3, 4, 99],
  "risk_score?": "integer",
  "authorizations?": { list: { "decision?": "string", "policy?": { "uid?": "string", "name?": "string" } } },
} as const;

const CLASSES: { readonly [uid: number]: Shape } = {
  6003: {
    ...BASE,
    class_uid: [6003],
    class_name: ["API Activity"],
    category_uid: [6],
    category_name: ["Application Activity"],
    activity_id: [0, 1, 2, 3, 4, 99],
    "activity_name?": "string",
    type_uid: [600_300, 600_301, 600_302, 600_303, 600_304, 600_399],
    actor: { "app_uid?": "string", "app_name?": "string", "user?": USER },
    api: { operation: "string", "service?": { "name?": "string" } },
    src_endpoint: { "name?": "string" },
    "resources?": RESOURCES,
  },
  3005: {
    ...BASE,
    class_uid: [3005],
    class_name: ["User Access Management"],
    category_uid: [3],
    category_name: ["Identity & Access Management"],
    activity_id: [1, 2],
    "activity_name?": ["Assign Privileges", "Revoke Privileges"],
    type_uid: [300_501, 300_502],
    user: USER,
    "privileges?": { list: "string" },
    "resources?": RESOURCES,
  },
};

const DISPOSITIONS: { readonly [id: number]: string } = {
  1: "Allowed",
  2: "Blocked",
  8: "Approved",
  14: "Delayed",
  17: "Logged",
  24: "Access Revoked",
  25: "Rejected",
  26: "Unauthorized",
};

/** Throws where an event is not one of the two classes: a member that is unknown, missing, or of another type. */
export function assertOcsf(event: JsonObject): void {
  const shape = CLASSES[Number(event["class_uid"])];
  assert.ok(shape, `class ${JSON.stringify(event["class_uid"])}`);
  check(event, shape, "");
  assert.equal(Number(event["type_uid"]), Number(event["class_uid"]) * 100 + Number(event["activity_id"]));
  assert.equal(event["disposition"], DISPOSITIONS[Number(event["disposition_id"])]);
}

function check(value: Json | undefined, shape: Shape, path: string): void {
  if (shape === "any") return;
  if (shape === "integer") return assert.ok(Number.isSafeInteger(value), `${path} is an integer`);
  if (typeof shape === "string") return assert.equal(typeof value, shape, path);
  if (isChoice(shape)) return assert.ok(shape.includes(value as string), `${path}: ${JSON.stringify(value)}`);
  if ("list" in shape) {
    assert.ok(Array.isArray(value), `${path} is a list`);
    for (const item of value as readonly Json[]) check(item, shape["list"] ?? "any", `${path}[]`);
    return;
  }
  assert.ok(typeof value === "object" && value !== null && !Array.isArray(value), `${path} is an object`);
  const known = new Map(Object.entries(shape).map(([name, inner]) => [name.replace("?", ""), { name, inner }]));
  for (const name of Object.keys(value)) assert.ok(known.has(name), `${path}.${name} is no attribute`);
  for (const [member, { name, inner }] of known) {
    const found = (value as JsonObject)[member];
    if (found === undefined) assert.ok(name.endsWith("?"), `${path}.${member} is required`);
    else check(found, inner, `${path}.${member}`);
  }
}

function isChoice(shape: Shape): shape is readonly (string | number)[] {
  return Array.isArray(shape);
}
