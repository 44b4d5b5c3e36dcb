import type { GroupName, PersonId, RequestId } from "../core/brand.ts";
import type { EngineContext } from "../engine/index.ts";
import type { Move } from "../identity/directory/index.ts";
import { ScimDesk, type ScimConfig } from "../identity/scim/index.ts";
import { copyJson, type JsonObject } from "../core/action/index.ts";
import type { Source } from "../ports/people.ts";
import type { Config } from "./config.ts";
import type { PeopleKeeper } from "./people/keeper.ts";

/** A desk for each provisioning client of the settings, by its name. */
export function desksOf(
  configs: readonly ScimConfig[],
  ctx: Pick<EngineContext, "store" | "clock" | "chance"> & { readonly isShared: boolean },
  people: PeopleKeeper,
): ReadonlyMap<string, ScimDesk> {
  const { store, clock, chance, isShared } = ctx;
  const parts = {
    people,
    store,
    clock,
    chance,
    isShared,
    isKnownElsewhere: (person: PersonId, source: Source) =>
      [...(people.sources.people.get(person)?.statements.keys() ?? [])].some((one) => one !== source),
    heldFor: (source: Source, about: PersonId | GroupName) => heldFor(people, source, about),
  };
  return new Map(configs.map((config) => [config.name, new ScimDesk(config, parts)]));
}

function heldFor({ held }: PeopleKeeper, source: Source, about: PersonId | GroupName): RequestId | null {
  const found = held.find(
    ({ editor, moves, refused }) =>
      !refused && editor.kind === "source" && editor.source === source && moves.some((move) => isAbout(move, about)),
  );
  return found?.request ?? null;
}

function isAbout(move: Move, about: PersonId | GroupName): boolean {
  if ("group" in move && move.group === about) return true;
  if (!("person" in move)) return false;
  return (typeof move.person === "string" ? move.person : move.person.id) === about;
}

/** Who says who people are, and which machines are let in: for the record. Left out where there are none. */
export function vouchingSettings({ scim = [], workloads = [] }: Config): JsonObject {
  const clients = scim.map(({ groups, ...client }) => ({ ...client, groups: Object.fromEntries(groups) }));
  const rules = workloads.map(({ match, ...rule }) => ({ ...rule, match: Object.fromEntries(match) }));
  return {
    ...(clients.length === 0 ? {} : { scim: copyJson(clients) }),
    ...(rules.length === 0 ? {} : { workloads: copyJson(rules) }),
  };
}
