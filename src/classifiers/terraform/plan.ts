import {
  isJsonList,
  isJsonObject,
  isJsonWithin,
  jsonAt,
  jsonItems,
  jsonMembers,
  jsonText,
  jsonTexts,
} from "../../core/action/index.ts";
import type { Json } from "../../core/action/index.ts";
import { openFindings, quoted } from "../../core/risk/index.ts";
import type { Classification, Findings } from "../../core/risk/index.ts";
import { judgeConfiguration } from "./configuration.ts";
import { isRunWhenRead, isSecret, isStore, isWatch, judgeType } from "./resource-types.ts";
import { judgeValues } from "./values.ts";

/** Values of one plan, how deep they may lie, and resources that it may change. */
const PLAN_NODES_MAX = 1_000_000;
const PLAN_DEPTH_MAX = 128;
const CHANGES_MAX = 10_000;
const ADDRESS_CHARS_MAX = 1_000;

/** Members of a plan that we know; what another one means for an apply is not known. */
const MEMBERS: ReadonlySet<string> = new Set(
  `format_version terraform_version variables planned_values resource_changes resource_drift output_changes prior_state
configuration relevant_attributes checks timestamp applyable complete errored`.split(/\s+/),
);

/**
 * What applying a saved plan does, of `terraform show -json PLAN`. Only a plan that changes nothing passes; whatever the
 * plan leaves open (deferred, errored, an unknown format or member) is opaque.
 */
export function classifyPlan(plan: Json): Classification {
  const found = openFindings();
  judgePlan(plan, found);
  return found.done();
}

function judgePlan(plan: Json, found: Findings): void {
  if (!isJsonObject(plan)) return found.opaque("The plan is not an object.");
  if (!isJsonWithin(plan, PLAN_NODES_MAX, PLAN_DEPTH_MAX)) {
    return found.opaque(`The plan has more than ${PLAN_NODES_MAX} values, or more than ${PLAN_DEPTH_MAX} levels.`);
  }
  if (!/^1\.\d+$/.test(jsonText(jsonAt(plan, "format_version")))) {
    found.opaque("The plan's format is not 1.x of `terraform show -json`.");
  }
  for (const member of Object.keys(plan)) {
    if (!MEMBERS.has(member)) found.opaque(`The plan has ${quoted(member)}, which is not known.`);
  }
  if (jsonAt(plan, "errored") === true) found.opaque("The plan ended with errors.");
  if (jsonAt(plan, "complete") === false) found.opaque("The plan is not complete.");
  if (jsonAt(plan, "resource_changes") === undefined && jsonAt(plan, "planned_values") === undefined) {
    found.opaque("It has no changes and no planned values, so that it is no plan.");
  }
  judgeShape(plan, found);
  const changes = jsonItems(jsonAt(plan, "resource_changes"));
  if (changes.length > CHANGES_MAX) found.opaque(`The plan changes more than ${CHANGES_MAX} resources.`);
  const counts = new Map<string, number>();
  for (const change of changes.slice(0, CHANGES_MAX)) judgeChange(change, counts, found);
  for (const [name, count] of counts) found.fact(`terraform_${name}`, count);
  if ((counts.get("deletes") ?? 0) + (counts.get("replaces") ?? 0) >= 10) {
    found.trait("unbounded", "The plan deletes or replaces ten resources or more.");
  }
  for (const [name, output] of jsonMembers(jsonAt(plan, "output_changes"))) judgeOutput(name, output, found);
  judgeConfiguration(jsonAt(plan, "configuration"), changedAddresses(changes), found);
  found.effect("read", "Applying a plan reads what it knows of.");
}

/** A member of another form than the known one would be skipped, and what is skipped is not proven. */
function judgeShape(plan: Json, found: Findings): void {
  const changes = jsonAt(plan, "resource_changes");
  const outputs = jsonAt(plan, "output_changes");
  if (changes !== undefined && !isJsonList(changes)) found.opaque("`resource_changes` is not a list.");
  if (outputs !== undefined && !isJsonObject(outputs)) found.opaque("`output_changes` is not an object.");
}

/** Addresses of resources, without the keys of `count` and `for_each`, that something happens to. */
function changedAddresses(changes: readonly Json[]): ReadonlySet<string> {
  const changed = changes.filter((change) => !isNoop(jsonTexts(jsonAt(change, "change", "actions"))));
  return new Set(
    changed.map((change) =>
      jsonText(jsonAt(change, "address"))
        .slice(0, ADDRESS_CHARS_MAX)
        .replaceAll(/\[[^\]]*\]/g, ""),
    ),
  );
}

function isNoop(actions: readonly string[]): boolean {
  return actions.length === 1 && (actions[0] === "no-op" || actions[0] === "read");
}

function judgeChange(change: Json, counts: Map<string, number>, found: Findings): void {
  const type = jsonText(jsonAt(change, "type"));
  const label = quoted(jsonText(jsonAt(change, "address")) || type);
  const listed = jsonItems(jsonAt(change, "change", "actions"));
  const actions = jsonTexts(jsonAt(change, "change", "actions"));
  const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  if (type === "" || listed.length !== actions.length) found.opaque(`${label} has no type or actions of a known form.`);
  if (jsonAt(change, "change", "importing") !== undefined) {
    found.effect("write", `${label} is taken into the state.`);
    count("imports");
  }
  if (jsonAt(change, "previous_address") !== undefined) found.effect("write", `${label} is moved in the state.`);
  switch (actions.join(" ")) {
    case "no-op":
      return undefined;
    case "read":
      return judgeRead(type, label, found);
    case "create":
      count("creates");
      found.effect("write", `${label} is created.`);
      return judgeNew(type, label, change, found);
    case "update":
      count("updates");
      found.effect("write", `${label} is updated.`);
      if (isWatch(type)) found.trait("defence_evasion", `${label} watches, and is changed.`);
      return judgeNew(type, label, change, found);
    case "delete":
      count("deletes");
      return judgeLoss(type, label, "deleted", found);
    case "delete create":
    case "create delete":
      count("replaces");
      found.effect("write", `${label} is replaced.`);
      judgeLoss(type, label, "replaced", found);
      return judgeNew(type, label, change, found);
    case "forget":
      found.effect("write", `${label} is forgotten, and no plan will see it again.`);
      return found.trait("defence_evasion", `${label} is forgotten, and no plan will see it again.`);
    default:
      return found.opaque(`${label} has the actions ${quoted(actions.join(" "))}, which are not known.`);
  }
}

function judgeNew(type: string, label: string, change: Json, found: Findings): void {
  found.name("terraform_types", type);
  judgeType(type, label, found);
  if (isStore(type)) found.trait("availability", `${label} holds data.`);
  judgeValues(jsonAt(change, "change", "after"), label, found);
}

function judgeLoss(type: string, label: string, how: string, found: Findings): void {
  found.name("terraform_types", type);
  found.effect("delete", `${label} is ${how}.`);
  judgeType(type, label, found);
  if (isWatch(type)) found.trait("defence_evasion", `${label} watches, and is ${how}.`);
  if (isStore(type) || how === "deleted") {
    found.trait("irreversible", `${label} is ${how}.`);
    found.fact("irreversible", true);
  } else found.trait("availability", `${label} is ${how}.`);
}

function judgeRead(type: string, label: string, found: Findings): void {
  if (isSecret(type)) {
    found.effect("secret.read", `${label} reads a secret.`);
    found.trait("secret_access", `${label} reads a secret.`);
  }
  if (isRunWhenRead(type)) {
    found.effect("execute", `${label} runs or fetches something when it is read.`);
    found.trait("program_execution", `${label} runs or fetches something when it is read.`);
  }
}

function judgeOutput(name: string, output: Json, found: Findings): void {
  const actions = jsonTexts(jsonAt(output, "actions"));
  if (actions.length === 1 && actions[0] === "no-op") return;
  found.effect("write", `The output ${quoted(name)} changes.`);
  if (jsonAt(output, "after_sensitive") === true) return;
  if (/secret|password|token|credential|private_key/i.test(name.slice(0, 256))) {
    found.effect("secret.read", `The output ${quoted(name)} is shown in the clear.`);
  }
}
