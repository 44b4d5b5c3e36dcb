import { isJsonList, isJsonObject } from "../../core/action/index.ts";
import type { Json } from "../../core/action/index.ts";
import { quoted } from "../../core/risk/index.ts";
import type { Findings } from "../../core/risk/index.ts";

/** Values of one resource that are looked at; the rest changes no decision, for a change never passes anyway. */
const VALUES_MAX = 20_000;

const EVERYWHERE: ReadonlySet<Json> = new Set(["0.0.0.0/0", "::/0"]);
const EVERYBODY = /"(?:AWS|Principal|member|members)"\s*:\s*(?:\[\s*)?"\*"|"allUsers"|"allAuthenticatedUsers"/;

/** Names of values that switch a protection off when they are false, or on when they are true. */
const PROTECTIONS =
  /^(?:deletion_protection|prevent_destroy|enable_logging|encrypted|storage_encrypted|versioning|block_public_acls|block_public_policy|restrict_public_buckets|ignore_public_acls|enable_key_rotation|is_multi_region_trail|enable_log_file_validation)$/;
const EXPOSURES =
  /^(?:publicly_accessible|public_network_access_enabled|allow_blob_public_access|associate_public_ip_address|privileged|skip_final_snapshot|force_destroy|force_delete|host_network|host_pid)$/;

/** What the planned values of a resource say: who reaches it, who may use it, which protection goes. */
export function judgeValues(after: Json | undefined, label: string, found: Findings): void {
  const waiting: Json[] = after === undefined ? [] : [after];
  let seen = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    seen += 1;
    if (seen > VALUES_MAX) return found.opaque(`${label} has more than ${VALUES_MAX} values.`);
    if (isJsonList(next)) waiting.push(...next.slice(0, VALUES_MAX));
    else if (isJsonObject(next)) {
      for (const [name, value] of Object.entries<Json>(next).slice(0, VALUES_MAX)) {
        judgeMember(name, value, label, found);
        waiting.push(value);
      }
    } else judgeText(next, label, found);
  }
  return undefined;
}

function judgeMember(name: string, value: Json, label: string, found: Findings): void {
  if (value === false && PROTECTIONS.test(name)) {
    found.trait("defence_evasion", `${label} has ${quoted(name)} off.`);
  }
  if (value !== true || !EXPOSURES.test(name)) return;
  if (/^(?:skip|force)/.test(name)) found.trait("irreversible", `${label} has ${quoted(name)} on.`);
  else {
    found.effect("network", `${label} has ${quoted(name)} on.`);
    found.trait("privilege_change", `${label} has ${quoted(name)} on.`);
  }
}

function judgeText(value: Json, label: string, found: Findings): void {
  if (typeof value !== "string") return;
  if (EVERYWHERE.has(value)) {
    found.effect("network", `${label} names every address.`);
    found.trait("unbounded", `${label} names every address.`);
  }
  if (value.length > 100_000) return;
  if (value === "*" || EVERYBODY.test(value) || /"Action"\s*:\s*(?:\[\s*)?"\*"/.test(value)) {
    found.trait("unbounded", `${label} has a wildcard for everybody or everything.`);
  }
  if (/^(?:public-read|public-read-write|allUsers|allAuthenticatedUsers)$/.test(value)) {
    found.effect("escalate", `${label} is open to everybody.`);
    found.trait("privilege_change", `${label} is open to everybody.`);
  }
}
