import { jsonAt, jsonItems, jsonMembers, jsonText } from "../../core/action/index.ts";
import type { Json } from "../../core/action/index.ts";
import { quoted } from "../../core/risk/index.ts";
import type { Findings } from "../../core/risk/index.ts";

/** Modules inside one another, and resources of a configuration that are looked at. */
const MODULE_DEPTH_MAX = 32;
const RESOURCES_MAX = 20_000;

/** Providers whose resources or data run programs or fetch URLs by nature. */
const RUNNING_PROVIDERS = /\/(?:external|shell|http|local|null|kubectl|ansible|restapi)$/;

/** What the configuration inside a plan says: provisioners of changed resources, where modules and providers come from. */
export function judgeConfiguration(
  configuration: Json | undefined,
  changed: ReadonlySet<string>,
  found: Findings,
): void {
  for (const [, provider] of jsonMembers(jsonAt(configuration, "provider_config"))) {
    const name = jsonText(jsonAt(provider, "full_name"));
    if (name === "") continue;
    found.name("terraform_providers", name);
    if (changed.size > 0 && RUNNING_PROVIDERS.test(name))
      found.effect("execute", `The provider ${quoted(name)} runs things.`);
  }
  const seen = { resources: 0 };
  judgeModule(jsonAt(configuration, "root_module"), "", 0, seen, changed, found);
  if (seen.resources > RESOURCES_MAX) found.opaque(`The configuration has more than ${RESOURCES_MAX} resources.`);
}

function judgeModule(
  module: Json | undefined,
  path: string,
  depth: number,
  seen: { resources: number },
  changed: ReadonlySet<string>,
  found: Findings,
): void {
  if (depth > MODULE_DEPTH_MAX) return found.opaque(`Modules lie more than ${MODULE_DEPTH_MAX} deep.`);
  for (const resource of jsonItems(jsonAt(module, "resources"))) {
    seen.resources += 1;
    if (seen.resources > RESOURCES_MAX) return undefined;
    if (changed.has(path + jsonText(jsonAt(resource, "address")))) judgeProvisioners(resource, found);
  }
  for (const [name, call] of jsonMembers(jsonAt(module, "module_calls"))) {
    const source = jsonText(jsonAt(call, "source"));
    const inside = changed.size > 0;
    if (source !== "") found.name("terraform_modules", source);
    if (inside && source !== "" && !/^\.{0,2}\//.test(source) && jsonText(jsonAt(call, "version_constraint")) === "") {
      if (!/[?&]ref=/.test(source)) found.trait("dynamic_code", `The module ${quoted(source)} has no version.`);
    }
    judgeModule(jsonAt(call, "module"), `${path}module.${name}.`, depth + 1, seen, changed, found);
  }
  return undefined;
}

function judgeProvisioners(resource: Json, found: Findings): void {
  const label = quoted(jsonText(jsonAt(resource, "address")));
  for (const provisioner of jsonItems(jsonAt(resource, "provisioners"))) {
    const type = jsonText(jsonAt(provisioner, "type"));
    found.effect("execute", `${label} has the provisioner ${quoted(type)}.`);
    found.trait("program_execution", `${label} has the provisioner ${quoted(type)}.`);
    if (type !== "local-exec") found.trait("remote_target", `${label} runs ${quoted(type)} on another machine.`);
  }
}
