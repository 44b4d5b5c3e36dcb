import assert from "node:assert/strict";
import { test } from "node:test";
import { peopleWith, rolesOf } from "../../src/core/approval/index.ts";
import type { GroupName, Instant, PersonId } from "../../src/core/brand.ts";
import { entriesOf, fromDocument, loadDirectory } from "../../src/identity/directory/index.ts";
import { seal } from "../../src/identity/directory/seal.ts";
import type { DirectoryStep, Editor } from "../../src/ports/people.ts";
import { RulesInForce } from "../../src/verify/rules.ts";
import { House } from "../support/house.ts";
import { DIRECTORY, RuleFiles } from "../support/rules.ts";

const SCIM: Editor = { kind: "source", source: "scim:big" };
const id = (n: number): PersonId => `user-${n}` as PersonId;

function users(from: number, to: number): DirectoryStep[] {
  return Array.from({ length: to - from }, (_, at): DirectoryStep[] => {
    const person = id(from + at);
    const account = { issuer: "https://idp.example.com", subject: `sub-${person}`, strength: "L4" } as const;
    return [
      { step: "put_person", source: "scim:big", person: { id: person, name: person, active: true, emails: [] } },
      { step: "link", person, account, evidence: "provisioned" },
    ];
  }).flat();
}

/** What the verifier says when it follows these entries, each named by what it leads to. */
async function complaintsOf(house: House): Promise<readonly string[]> {
  const rules = new RulesInForce(true);
  const complaints: string[] = [];
  for (const entry of await house.entries()) {
    if (RulesInForce.changes(entry.type))
      rules.change(entry, entry.payload ?? undefined, (text) => complaints.push(text));
  }
  return complaints;
}

test("a large directory is recorded by its steps, followed by the verifier, and the same after a restart", async () => {
  const house = await House.open({ directory: DIRECTORY });
  const files = house.files;
  for (let from = 0; from < 1500; from += 500) {
    assert.equal((await house.people.change(users(from, from + 500), SCIM)).status, "applied");
  }
  const group = "staff" as GroupName;
  const members = Array.from({ length: 1000 }, (_, n) => id(n));
  await house.people.change([{ step: "put_group", source: "scim:big", group, members }], SCIM);
  await house.people.change([{ step: "leave", source: "scim:big", group, person: id(7) }], SCIM);
  await house.people.change([{ step: "remove_person", source: "scim:big", person: id(9) }], SCIM);
  assert.equal(house.people.membersOf("scim:big", group)?.length, 998);
  assert.equal(house.people.holderOf("https://idp.example.com", "sub-user-8")?.id, "user-8");
  assert.equal(house.people.holderOf("https://idp.example.com", "sub-user-9"), undefined);
  assert.deepEqual(house.people.groupsOf("scim:big", id(8)), [group]);
  const changed = (await house.entries()).filter(({ type }) => type === "directory.changed");
  const last = changed.at(-1);
  assert.equal(changed.length, 7);
  assert.ok(JSON.stringify(last?.payload).length < 2000, "one person who goes is a small entry");
  assert.deepEqual(await complaintsOf(house), []);
  await house.stop();

  const again = await House.over(files);
  try {
    const entries = (await again.entries()).filter(({ type }) => type === "directory.changed");
    const retold = entries.slice(changed.length);
    assert.deepEqual(retold.at(-1)?.publics, last?.publics, "the same directory, told as a whole");
    assert.equal((retold[0]?.payload as { base?: null } | null)?.base, null);
    assert.deepEqual(await complaintsOf(again), []);
    assert.equal(again.people.membersOf("scim:big", group)?.length, 998);
  } finally {
    await again[Symbol.asyncDispose]();
  }
});

test("steps that were left out, altered or begin elsewhere are noticed", async () => {
  await using house = await House.open({ directory: DIRECTORY });
  await house.people.change(users(0, 600), SCIM);
  await house.people.change([{ step: "remove_person", source: "scim:big", person: id(1) }], SCIM);
  await house.people.change([{ step: "remove_person", source: "scim:big", person: id(2) }], SCIM);
  const entries = (await house.entries()).filter(({ type }) => type === "directory.changed");
  const follow = (keep: (at: number) => boolean, edit: (text: string) => string): readonly string[] => {
    const rules = new RulesInForce(true);
    const complaints: string[] = [];
    for (const [at, entry] of entries.entries()) {
      if (!keep(at)) continue;
      const payload = JSON.parse(edit(JSON.stringify(entry.payload)));
      rules.change(entry, payload, (text) => complaints.push(text));
    }
    return complaints;
  };
  assert.deepEqual(
    follow(
      () => true,
      (text) => text,
    ),
    [],
  );
  assert.match(
    follow(
      (at) => at !== 2,
      (text) => text,
    ).join(),
    /do not begin at the directory that was in force/,
  );
  assert.match(
    follow(
      () => true,
      (text) => text.replace('"person_gone":"user-2"', '"person_gone":"user-3"'),
    ).join(),
    /not the one that came into force/,
  );
  assert.match(
    follow(
      () => true,
      (text) => text.replace('"active":true', '"active":false'),
    ).join(),
    /not the one that came into force/,
  );
});

test("steps lead from any directory to any other, whole or in parts", () => {
  const files = new RuleFiles({ directory: DIRECTORY });
  try {
    const { directory } = loadDirectory(files.directory, null, 1000 as Instant);
    const [first] = entriesOf(null, directory);
    const whole = first?.payload["directory"];
    assert.deepEqual(fromDocument(whole as never), directory);
    const people = new Map(directory.people);
    for (let n = 0; n < 9000; n++) {
      people.set(id(n), { id: id(n), name: "x".repeat(300), active: true, accounts: [], emails: [], passkeys: [] });
    }
    const large = seal({ ...directory, people });
    const parts = entriesOf(directory, large);
    assert.ok(parts.length > 1);
    assert.equal(parts[0]?.payload["base"], directory.digest);
    assert.equal(parts.at(-1)?.digest, large.digest);
    for (const [at, part] of parts.entries()) {
      if (at > 0) assert.equal(part.payload["base"], parts[at - 1]?.digest);
    }
  } finally {
    files.remove();
  }
});

test("roles name groups, and a role of no group is nobody's", () => {
  const files = new RuleFiles({ directory: `${DIRECTORY}roles:\n  admin: [nobody-here]\n` });
  try {
    assert.throws(() => loadDirectory(files.directory, null, 1000 as Instant), /there is no group `nobody-here`/);
    files.write({ directory: `${DIRECTORY}roles:\n  admin: [security]\n` });
    const { directory } = loadDirectory(files.directory, null, 1000 as Instant);
    assert.deepEqual([...peopleWith(directory, "admin")].sort(), ["ann", "bob", "cy", "eve", "fay"]);
    assert.deepEqual([...rolesOf(directory, id(1)), ...rolesOf(directory, "dee" as PersonId)], []);
    assert.deepEqual([...rolesOf(directory, "ann" as PersonId)], ["admin"]);
  } finally {
    files.remove();
  }
});
