import type { GroupName } from "../../core/brand.ts";
import { QUORUM_MAX } from "../../core/policy/index.ts";
import type { Assurance, Demand, Hold, Term } from "../../core/policy/index.ts";
import type { FactType, PolicyId } from "../../core/risk/index.ts";
import { demandOf, readDefer, readModify } from "./demands.ts";
import { nearest } from "./nearest.ts";

/** What an annotated policy means beside what Cedar makes of it. */
export type Meaning =
  | { readonly kind: "permit"; readonly id: PolicyId; readonly because: string }
  | { readonly kind: "forbid"; readonly id: PolicyId; readonly because: string }
  | {
      readonly kind: "hold";
      readonly id: PolicyId;
      readonly because: string;
      readonly hold: Hold;
      readonly notify: readonly string[];
    }
  | { readonly kind: "modify" | "defer"; readonly id: PolicyId; readonly because: string; readonly demand: Demand };

/** Something wrong with an annotation; `about` names it, or is null for the policy as a whole. */
export type Complaint = { readonly about: string | null; readonly message: string; readonly hint: string };

/** What a hold asks for that does not say: a signed-in click. */
const ASSURANCE_DEFAULT: Assurance = "A1";
/** The words of `@assurance`; a word says what people do, a number where it stands. */
const ASSURANCE_WORDS: ReadonlyMap<string, Assurance> = new Map([
  ["A1", "A1"],
  ["reauthenticate", "A2"],
  ["A2", "A2"],
  ["passkey", "A3"],
  ["A3", "A3"],
  ["A4", "A4"],
]);
/** How long people may take, in milliseconds. */
const EXPIRES_MS_MIN = 60_000;
const EXPIRES_MS_MAX = 604_800_000;
/** Characters of a policy's sentence for people. */
const BECAUSE_CHARS_MAX = 300;

const KNOWN = ["id", "because", "hold", "approvers", "quorum", "expires", "assurance", "notify", "modify", "defer"];
/** What makes a `forbid` more than that. */
const KINDS = ["hold", "modify", "defer"] as const;
const OF_HOLDS = ["approvers", "quorum", "expires", "assurance", "notify"];
/** Places that one policy names, and a place: a channel of the installation, and a name as its service has it. */
const NOTIFY_MAX = 8;
const ROUTE = /^[a-z0-9][a-z0-9-]{0,31}:[^\s,]{1,200}$/;
const ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const UNITS = new Map([
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

type Annotations = ReadonlyMap<string, string | null>;
type Complain = (about: string | null, message: string, hint: string) => void;

/** Reads a policy's annotations; whatever is not understood or cannot be met is a complaint, never ignored. */
export function readMeaning(
  effect: "permit" | "forbid",
  annotations: Annotations,
  groups: ReadonlyMap<GroupName, number>,
  factTypes: ReadonlyMap<string, FactType>,
): { readonly meaning: Meaning | null; readonly complaints: readonly Complaint[] } {
  const complaints: Complaint[] = [];
  const complain: Complain = (about, message, hint) => complaints.push({ about, message, hint });
  for (const name of annotations.keys()) {
    if (!KNOWN.includes(name)) complain(name, `unknown annotation \`@${name}\``, suggestion(name, KNOWN, "@"));
  }
  const id = readId(annotations, complain);
  const kind = readKind(effect, annotations, complain);
  const because = readBecause(annotations, complain) ?? defaultBecause(effect, kind, id);
  const meaning = meaningOf(kind, { id, because }, annotations, { groups, factTypes }, complain);
  return { meaning: complaints.length > 0 ? null : meaning, complaints };
}

function meaningOf(
  kind: Meaning["kind"],
  { id, because }: { readonly id: PolicyId; readonly because: string },
  annotations: Annotations,
  known: { readonly groups: ReadonlyMap<GroupName, number>; readonly factTypes: ReadonlyMap<string, FactType> },
  complain: Complain,
): Meaning {
  switch (kind) {
    case "permit":
    case "forbid":
      return { kind, id, because };
    case "hold": {
      const terms = readTerms(annotations, known.groups, complain);
      const expiresInMs = readExpires("hold", annotations, complain);
      const assurance = readAssurance(annotations, terms, complain);
      const notify = readNotify(annotations, complain);
      return { kind, id, because, hold: { policy: id, because, terms, expiresInMs, assurance }, notify };
    }
    case "modify": {
      const changes = readModify(annotations.get("modify") ?? null, complain);
      return { kind, id, because, demand: demandOf(id, because, { changes }) };
    }
    case "defer": {
      const facts = readDefer(annotations.get("defer") ?? null, known.factTypes, complain);
      const expiresInMs = readExpires("defer", annotations, complain);
      return { kind, id, because, demand: demandOf(id, because, { facts, expiresInMs }) };
    }
    default:
      return kind satisfies never;
  }
}

function readId(annotations: Annotations, complain: Complain): PolicyId {
  const id = annotations.get("id") ?? "";
  if (!annotations.has("id"))
    complain(
      null,
      "the policy has no `@id`",
      'write a stable name that approvers will see, such as @id("hold-large-export")',
    );
  else if (!ID.test(id))
    complain("id", `\`${id}\` cannot be an id`, "use up to 64 lower-case letters, digits, `-`, `_` and `.`");
  return id as PolicyId;
}

/** What kind of policy it is; annotations of another kind would be a promise that nothing keeps. */
function readKind(effect: "permit" | "forbid", annotations: Annotations, complain: Complain): Meaning["kind"] {
  const [kind, second] = KINDS.filter((one) => annotations.has(one));
  if (kind !== undefined && second !== undefined) {
    complain(second, `\`@${kind}\` and \`@${second}\` on one policy`, "write two policies, one of each");
  }
  for (const name of OF_HOLDS.filter((candidate) => annotations.has(candidate))) {
    if (kind === "hold" || (kind === "defer" && name === "expires")) continue;
    complain(
      name,
      `\`@${name}\` without \`@hold\` would do nothing`,
      effect === "forbid" ? "add `@hold` above it" : `remove it, or write a second policy: @hold forbid (…)`,
    );
  }
  if (kind === undefined) return effect;
  if (effect === "permit") {
    const meant = { hold: "denied, unless these people approve", modify: "not this, but this", defer: "not yet" }[kind];
    complain(kind, `\`@${kind}\` stands on a permit`, `write \`@${kind}\` on a \`forbid\`: "${meant}"`);
    return effect;
  }
  const value = annotations.get("hold");
  if (kind === "hold" && value !== null && value !== "" && value !== "approval")
    complain("hold", `\`@hold\` does not know \`${value}\``, "write `@hold` alone");
  return kind;
}

function readBecause(annotations: Annotations, complain: Complain): string | null {
  const because = annotations.get("because");
  if (because === undefined) return null;
  const usable =
    because !== null && because.trim() !== "" && because.length <= BECAUSE_CHARS_MAX && !/\p{C}/u.test(because);
  if (!usable)
    complain(
      "because",
      "`@because` cannot be shown",
      `write one plain sentence of at most ${BECAUSE_CHARS_MAX} characters`,
    );
  return because;
}

function defaultBecause(effect: "permit" | "forbid", kind: Meaning["kind"], id: string): string {
  if (kind === "hold") return `The policy ${id} asks people to approve this.`;
  if (kind === "modify") return `The policy ${id} lets only less of this through.`;
  if (kind === "defer") return `The policy ${id} waits for what is not known yet.`;
  return effect === "forbid" ? `The policy ${id} forbids this.` : `The policy ${id} permits this.`;
}

function readTerms(
  annotations: Annotations,
  groups: ReadonlyMap<GroupName, number>,
  complain: Complain,
): readonly Term[] {
  const names = listed(annotations.get("approvers"));
  const example = '@approvers("security") or @approvers("security, data-owners")';
  if (!annotations.has("approvers"))
    complain(null, "a hold needs `@approvers`", `name the groups that may approve: ${example}`);
  else if (names.length === 0 || names.includes(""))
    complain("approvers", "`@approvers` names nobody", `write ${example}`);
  const quorums = readQuorums(annotations, names.length, complain);
  return names.flatMap((name, index) => {
    const group = name as GroupName;
    const quorum = quorums[quorums.length === 1 ? 0 : index] ?? 0;
    const members = groups.get(group);
    if (names.indexOf(name) !== index)
      complain("approvers", `\`${name}\` is named twice`, "name each group once, and set @quorum");
    else if (members === undefined && name !== "") {
      complain("approvers", `there is no group \`${name}\``, suggestion(name, [...groups.keys()], ""));
    } else if (members !== undefined && quorum > members) {
      const about = annotations.has("quorum") ? "quorum" : "approvers";
      complain(
        about,
        `${quorum} of \`${name}\` can never approve: it has ${members} active members`,
        "lower the quorum, or add people to the group",
      );
    }
    return [{ group, quorum }];
  });
}

function readQuorums(annotations: Annotations, groups: number, complain: Complain): readonly number[] {
  if (!annotations.has("quorum")) return [1];
  const written = listed(annotations.get("quorum"));
  const quorums = written.filter((text) => /^[1-9][0-9]?$/.test(text)).map(Number);
  if (quorums.length !== written.length || quorums.some((quorum) => quorum > QUORUM_MAX)) {
    complain(
      "quorum",
      `\`@quorum\` is a number from 1 to ${QUORUM_MAX}`,
      '@quorum("2") asks two of every group, @quorum("2, 1") two of the first and one of the second',
    );
  } else if (quorums.length !== 1 && quorums.length !== groups) {
    complain("quorum", `${quorums.length} quorums for ${groups} groups`, "write one for all groups, or one for each");
  }
  return quorums;
}

function readExpires(kind: "hold" | "defer", annotations: Annotations, complain: Complain): number {
  const written = annotations.get("expires");
  const [, digits, unit] = /^([1-9][0-9]{0,4})([mhd])$/.exec(written ?? "") ?? [];
  const ms = Number(digits ?? 0) * (UNITS.get(unit ?? "") ?? 0);
  const example = '@expires("15m"), ("2h") or ("1d"); from one minute to seven days';
  if (!annotations.has("expires"))
    complain(
      null,
      kind === "hold" ? "a hold needs `@expires`" : "`@defer` needs `@expires`",
      `say how long ${kind === "hold" ? "people" : "the facts"} may take: ${example}`,
    );
  else if (ms < EXPIRES_MS_MIN || ms > EXPIRES_MS_MAX)
    complain("expires", "`@expires` cannot be understood", `write ${example}`);
  return ms;
}

function readAssurance(annotations: Annotations, terms: readonly Term[], complain: Complain): Assurance {
  if (!annotations.has("assurance")) return ASSURANCE_DEFAULT;
  const written = annotations.get("assurance") ?? "";
  const assurance = ASSURANCE_WORDS.get(written);
  if (assurance === undefined) {
    complain(
      "assurance",
      `\`@assurance\` does not know \`${written}\``,
      'write "passkey" (A3), "reauthenticate" (A2), "A1" (a signed-in click) or "A4" (passkeys of two people)',
    );
  } else if (assurance === "A4" && terms.reduce((places, { quorum }) => places + quorum, 0) < 2) {
    complain("assurance", "A4 is the passkeys of two people, and this asks for one", 'add @quorum("2"), or write "A3"');
  }
  return assurance ?? ASSURANCE_DEFAULT;
}

function readNotify(annotations: Annotations, complain: Complain): readonly string[] {
  if (!annotations.has("notify")) return [];
  const places = listed(annotations.get("notify"));
  if (places.length === 0 || places.length > NOTIFY_MAX || !places.every((place) => ROUTE.test(place))) {
    complain(
      "notify",
      "`@notify` cannot be understood",
      'name up to 8 places: @notify("slack:#payments, slack:C0123456789")',
    );
  }
  return places;
}

function listed(written: string | null | undefined): readonly string[] {
  return written === null || written === undefined || written.trim() === ""
    ? []
    : written.split(",").map((part) => part.trim());
}

function suggestion(written: string, known: readonly string[], prefix: string): string {
  const meant = nearest(written, known);
  if (meant !== null) return `did you mean \`${prefix}${meant}\`?`;
  return known.length === 0
    ? "there is none yet"
    : `known: ${[...known]
        .sort()
        .map((name) => prefix + name)
        .join(", ")}`;
}
