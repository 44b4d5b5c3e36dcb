import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseJson } from "../../src/core/action/index.ts";
import type { JsonObject } from "../../src/core/action/index.ts";
import type { AgentId, GroupName, Instant, PersonId } from "../../src/core/brand.ts";
import { activeMembers, fromDocument, loadDirectory, toDocument } from "../../src/identity/directory/index.ts";
import type { LoadedDirectory } from "../../src/identity/directory/index.ts";
import { ConfigError } from "../../src/ports/config.ts";
import type { Directory } from "../../src/ports/directory.ts";

const at = (ms: number): Instant => ms as Instant;
const group = (name: string): GroupName => name as GroupName;
const HOUSE = `
people:
  - id: ann
    name: Ann
    emails: [ann@example.com]
    accounts:
      - { issuer: "https://id.example.com", subject: "1" }
      - { issuer: slack, subject: U1, strength: L3 }
  - { id: bob, name: Bob }
  - { id: cy, name: Cy, active: false }
groups:
  security: [ann, bob, cy]
agents:
  - { id: report-bot, owners: [ann], deployers: [bob] }
delegations:
  - { from: ann, to: bob, until: 2026-12-31T18:00:00+01:00 }
`;

function load(text: string, previous: Directory | null = null, now = at(1_000)): LoadedDirectory {
  const dir = mkdtempSync(join(tmpdir(), "keyturn-"));
  try {
    writeFileSync(join(dir, "directory.yaml"), text);
    return loadDirectory(join(dir, "directory.yaml"), previous, now);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("reads people, groups, agents and delegations with their defaults", () => {
  const { directory, warnings } = load(HOUSE);
  assert.deepEqual(warnings, []);
  assert.deepEqual(directory.people.get("ann" as PersonId), {
    id: "ann",
    name: "Ann",
    active: true,
    accounts: [
      { issuer: "https://id.example.com", subject: "1", strength: "L2" },
      { issuer: "slack", subject: "U1", strength: "L3" },
    ],
    emails: ["ann@example.com"],
    passkeys: [],
  });
  assert.deepEqual(directory.agents.get("report-bot" as AgentId), {
    id: "report-bot",
    type: "agent",
    owners: ["ann"],
    deployers: ["bob"],
    active: true,
  });
  assert.deepEqual(directory.delegations, [{ from: "ann", to: "bob", until: Date.UTC(2026, 11, 31, 17) }]);
  assert.deepEqual([...activeMembers(directory)], [["security", 2]]);
});

const since = ({ directory }: LoadedDirectory): Record<string, number> =>
  Object.fromEntries((directory.groups.get(group("security")) ?? []).map(({ person, since: from }) => [person, from]));

test("a membership keeps its time over reloads; who joins, leaves and comes back, or is listed twice, is a late member", () => {
  const first = load(HOUSE);
  assert.deepEqual(since(first), { ann: 1_000, bob: 1_000, cy: 1_000 });
  const second = load(HOUSE.replace("[ann, bob, cy]", "[ann, cy, ann]"), first.directory, at(2_000));
  assert.deepEqual(since(second), { ann: 1_000, cy: 1_000 });
  assert.equal(second.directory.groups.get(group("security"))?.length, 2);
  const third = load(HOUSE, second.directory, at(3_000));
  assert.deepEqual(since(third), { ann: 1_000, bob: 3_000, cy: 1_000 });
  const renamed = load(HOUSE.replace("security:", "security-2:"), third.directory, at(4_000));
  assert.deepEqual(
    renamed.directory.groups.get(group("security-2"))?.map((member) => member.since),
    [4_000, 4_000, 4_000],
  );
});

test("the document survives a restart, and a changed one is refused", () => {
  const { directory } = load(HOUSE);
  const stored = parseJson(JSON.stringify(toDocument(directory))) as JsonObject;
  assert.deepEqual(fromDocument(stored), directory);
  const changed = parseJson(JSON.stringify(stored).replaceAll(":1000", ":999")) as JsonObject;
  assert.throws(() => fromDocument(changed), /does not have the digest that it names/);
  assert.throws(() => fromDocument({ ...stored, people: 1 }), /cannot be read/);
});

test("the digest follows the content, not the order in which it is written", () => {
  const { digest } = load(HOUSE).directory;
  assert.equal(load(HOUSE.replace("[ann, bob, cy]", "[cy, bob, ann]")).directory.digest, digest);
  const changes: readonly [string, string][] = [
    ["name: Bob", "name: Bobby"],
    ["active: false", "active: true"],
    ["strength: L3", "strength: L4"],
    ["owners: [ann]", "owners: [bob]"],
    ["[ann, bob, cy]", "[ann, bob]"],
    ["T18:00", "T19:00"],
  ];
  const digests = changes.map(([from, to]) => load(HOUSE.replace(from, to)).directory.digest);
  assert.equal(new Set([digest, ...digests]).size, changes.length + 1);
  assert.notEqual(load(HOUSE, null, at(2_000)).directory.digest, digest);
});

const refused: readonly [string, string, string][] = [
  ["a stranger in a group", HOUSE.replace("[ann, bob, cy]", "[ann, bbo]"), "12:19: nobody has the id `bbo`"],
  ["a stranger as owner", HOUSE.replace("owners: [ann]", "owners: [eve]"), "14:32: nobody has the id `eve`"],
  ["a stranger as deployer", HOUSE.replace("deployers: [bob]", "deployers: [eve]"), "nobody has the id `eve`"],
  ["a stranger as deputy", HOUSE.replace("to: bob", "to: eve"), "16:5: nobody has the id `eve`"],
  ["a person twice", HOUSE.replace("id: cy", "id: bob"), "10:11: the id `bob` is used twice"],
  [
    "an agent twice",
    HOUSE.replace("delegations:", "  - { id: report-bot }\ndelegations:"),
    "15:11: the id `report-bot` is used twice",
  ],
  [
    "one account of two people",
    HOUSE.replace("name: Bob", "name: Bob, accounts: [{ issuer: slack, subject: U1 }]"),
    "the account `U1` of `slack` already belongs to `ann`",
  ],
  ["an id in capitals", HOUSE.replace("id: bob", "id: Bob"), "9:11: `people.1.id`: write an id in lower case"],
  ["a made-up strength", HOUSE.replace("L3", "L9"), "8:49: `people.0.accounts.1.strength`: write L0, L1, L2, L3 or L4"],
  [
    "a role nobody enforces",
    HOUSE.replace("name: Bob", "name: Bob, admin: true"),
    "9:27: `people.1` has no member `admin`",
  ],
  ["a time without zone", HOUSE.replace("+01:00", ""), "16:34: `delegations.0.until`: write a time such as"],
  ["yes for true", HOUSE.replace("active: false", "active: no"), "10:33: `people.2.active`: write true or false"],
  ["an empty file", "", "the file: "],
];
for (const [name, text, expected] of refused) {
  test(`refuses: ${name}`, () => {
    assert.throws(
      () => load(text),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(error.code, "directory_invalid");
        assert.ok(error.message.includes("directory.yaml:") && error.message.includes(expected), error.message);
        return true;
      },
    );
  });
}

test("warns of an agent that nobody owns and of a group that nobody can act for", () => {
  const text = HOUSE.replace("[ann, bob, cy]", "[cy]").replace("owners: [ann], deployers: [bob]", "owners: []");
  assert.deepEqual(
    load(text).warnings.map(({ line, message }) => [line, message]),
    [
      [12, "the group `security` has no active member"],
      [14, "nobody owns the agent `report-bot`"],
    ],
  );
});
