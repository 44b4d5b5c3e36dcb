import { isJsonList, isJsonObject, type JsonObject } from "../../core/action/index.ts";
import { isFirm } from "../../core/approval/index.ts";
import type { GroupName, PersonId } from "../../core/brand.ts";
import { encodeHex } from "../../core/encoding.ts";
import type { Chance } from "../../ports/clock.ts";
import type { Person } from "../../ports/directory.ts";
import type { DirectoryStep, Source } from "../../ports/people.ts";
import type { ScimConfig } from "./config.ts";
import { invalid, ScimError } from "./failure.ts";
import { textOf } from "./records.ts";

/** Characters of a person's name, and addresses of one person, as the directory takes them over. */
const NAME_CHARS_MAX = 200;
const EMAILS_MAX = 32;

/** What a client says of a person. */
export function putPerson(source: Source, id: PersonId, resource: JsonObject): DirectoryStep {
  return {
    step: "put_person",
    source,
    person: { id, name: nameOf(resource), active: resource["active"] !== false, emails: emailsOf(resource) },
  };
}

/**
 * Joins the login that `externalId` names to its person. The provider that signs the login in says so itself: L3. Without
 * an `externalId` nobody can tell which login is meant, and the person decides nothing.
 */
export function linkSteps(
  config: ScimConfig,
  person: PersonId,
  resource: JsonObject,
  known: Person | undefined,
): readonly DirectoryStep[] {
  const subject = textOf(resource, "externalId");
  if (subject === "") return [];
  const { issuer, name } = config;
  const standing = known?.accounts.find((account) => account.issuer === issuer && account.subject === subject);
  if (standing !== undefined && isFirm(standing.strength)) return [];
  const account = { issuer, subject, strength: "L3" } as const;
  return [{ step: "link", person, account, evidence: `provisioned as externalId by ${name}` }];
}

/**
 * Who a user is: whoever has the login already, or a new person. Never somebody whose name or address is the same: a
 * client could make itself anybody by it.
 */
export function personFor(
  config: ScimConfig,
  resource: JsonObject,
  holder: Person | undefined,
  chance: Chance,
): PersonId {
  if (holder === undefined) return newPerson(resource, chance);
  const subject = textOf(resource, "externalId");
  const account = holder.accounts.find((one) => one.issuer === config.issuer && one.subject === subject);
  // By weak evidence this login is held to be theirs. That bars them; it must not become their way in unseen.
  if (account?.strength === "L0" || account?.strength === "L1") {
    throw new ScimError(
      409,
      "uniqueness",
      `the login of this \`externalId\` is held to be \`${holder.id}\`'s by weak evidence; an administrator says whose it is with \`keyturn people link\` or \`unlink\``,
    );
  }
  return holder.id;
}

/** A name that people can read, and that nobody had before: an id that came back would inherit what its first holder did. */
function newPerson(resource: JsonObject, chance: Chance): PersonId {
  const local = textOf(resource, "userName").split("@")[0] ?? "";
  const readable =
    slug(local)
      .slice(0, 40)
      .replace(/[-.]+$/, "") || "person";
  return `${readable}-${encodeHex(chance.bytes(3))}` as PersonId;
}

/** The group that a client's group is here; `invalidValue` where its name gives none. */
export function groupFor(config: ScimConfig, resource: JsonObject): GroupName {
  const name = textOf(resource, "displayName");
  if (name === "") throw invalid("invalidValue", "a group needs a `displayName`");
  const group = config.groups.get(name) ?? slug(name);
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(group)) {
    throw invalid(
      "invalidValue",
      "this `displayName` makes no name of a group here; name it under `groups` of the client in keyturn.yaml",
    );
  }
  return group as GroupName;
}

function slug(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9._]+/g, "-")
    .replace(/^[-._]+|-+$/g, "");
}

function nameOf(resource: JsonObject): string {
  const name = isJsonObject(resource["name"] ?? null) ? (resource["name"] as JsonObject) : {};
  const parts = [textOf(name, "givenName"), textOf(name, "familyName")].filter((part) => part !== "").join(" ");
  const shown = textOf(resource, "displayName") || textOf(name, "formatted") || parts || textOf(resource, "userName");
  return shown.slice(0, NAME_CHARS_MAX).toWellFormed();
}

function emailsOf(resource: JsonObject): readonly string[] {
  const listed = resource["emails"] ?? null;
  const values = isJsonList(listed) ? listed.flatMap((one) => (isJsonObject(one) ? [textOf(one, "value")] : [])) : [];
  // A user name that is an address is one more hint by which its holder is barred.
  const all = [...values, textOf(resource, "userName")].filter((text) => /^[^\s@]{1,64}@[^\s@]{1,190}$/.test(text));
  return [...new Set(all)].slice(0, EMAILS_MAX);
}
