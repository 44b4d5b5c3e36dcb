// People changed at two instances in the same moment, and what one instance records of them held against another at once.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { GroupName, PersonId } from "../../src/core/brand.ts";
import type { DirectoryStep, Editor, Source } from "../../src/ports/people.ts";
import { verifyLedger } from "../../src/verify/index.ts";
import { exportRows } from "../support/actions.ts";
import { apply, approve, codeOf, hold, permitFor, redeem, type Held } from "../support/flow.ts";
import type { House } from "../support/house.ts";
import { Instances, skip, startDatabase } from "../support/instances.ts";
import { at, textAt } from "../support/json.ts";
import type { Postgres } from "../support/postgres.ts";
import { until } from "../support/process.ts";
import { DIRECTORY, edited, POLICIES } from "../support/rules.ts";

const ROUNDS = 20;
const ADMINS = `${edited(DIRECTORY, "groups:\n", "groups:\n  admins: [eve, fay, gil]\n")}roles:\n  admin: [admins]\n`;
const OPERATOR: Editor = { kind: "operator", claimed: null };
const who = (id: string): PersonId => id as PersonId;
const security = "security" as GroupName;

type Listed = readonly { readonly group: string; readonly members: readonly string[] }[];

async function membersAt(house: House, group: string): Promise<readonly string[]> {
  const groups = at((await house.operator.get("/v1/groups")).body, "groups") as Listed;
  return groups.find((one) => one.group === group)?.members ?? [];
}

async function assertFollows(house: House): Promise<void> {
  const checkpoint = (await house.operator.get("/v1/ledger/checkpoint")).text;
  const vkey = (await house.operator.get("/v1/ledger/vkey")).text.trim();
  const report = await verifyLedger({ entries: await house.store.range(0, 10_000), checkpoint, vkey });
  assert.ok(report.passed, `an auditor follows all of it: ${JSON.stringify(report.decisions)}`);
}

/** A newcomer of this source, who joins the group. */
function newcomer(source: Source, id: string, group: GroupName): readonly DirectoryStep[] {
  const person = { id: who(id), name: id, active: true, emails: [] };
  return [
    { step: "put_person", source, person },
    { step: "join", source, group, person: person.id },
  ];
}

void describe("people of several instances", { skip }, () => {
  let postgres: Postgres;
  before(async () => {
    postgres = await startDatabase();
  });
  after(() => postgres.stop());

  const open = (options: Partial<Parameters<typeof Instances.open>[0]> = {}): Promise<Instances> =>
    Instances.open({ url: postgres.url("app"), count: 2, ...options });

  void test("of changes at two instances in the same moment none is lost, and the ledger tells them all", async () => {
    await using pair = await open();
    const sources: readonly Source[] = ["scim:left", "scim:right"];
    const expected = new Set(["ann", "bob", "cy", "eve", "fay"]);
    for (let round = 0; round < ROUNDS; round += 1) {
      const answers = await Promise.all(
        sources.map((source, side) => {
          const id = `p${round}-${side}`;
          expected.add(id);
          const account = { issuer: "https://idp.example.com", subject: `of-${round}`, strength: "L2" } as const;
          const steps = newcomer(source, id, security);
          const link: DirectoryStep = { step: "link", person: who(id), account, evidence: "a test" };
          const { people } = pair.one(side);
          const editor: Editor = { kind: "source", source };
          return Promise.all([people.change(steps, editor), people.change([link], editor)]);
        }),
      );
      assert.deepEqual(
        answers.map(([joined]) => joined.status),
        ["applied", "applied"],
      );
      const linked = answers.map(([, link]) => link.status).toSorted();
      assert.deepEqual(linked, ["applied", "refused"], "one login is one person's");
    }
    await until("both know", () => pair.one(0).rulesDigest === pair.one(1).rulesDigest);
    for (const house of pair.houses) assert.deepEqual(new Set(await membersAt(house, security)), expected);
    await assertFollows(pair.one(0));
    await pair.restart(1);
    assert.equal(pair.one(1).rulesDigest, pair.one(0).rulesDigest, "the store has what both serve");
  });

  void test("who is put out while another instance adds somebody stays out", async () => {
    await using pair = await open();
    const source: Source = "scim:left";
    const editor: Editor = { kind: "source", source };
    for (let round = 0; round < ROUNDS; round += 1) {
      const [gone, come] = [`gone-${round}`, `come-${round}`];
      const known = await pair.one(0).people.change(newcomer(source, gone, security), editor);
      assert.equal(known.status, "applied");
      await Promise.all([
        pair.one(0).people.change([{ step: "remove_person", source, person: who(gone) }], editor),
        pair.one(1).people.change(newcomer(source, come, security), editor),
      ]);
      await Promise.all(pair.houses.map(({ people }) => people.change([], editor)));
      await until("both know", () => pair.one(0).rulesDigest === pair.one(1).rulesDigest);
      for (const house of pair.houses) {
        const members = await membersAt(house, security);
        assert.deepEqual([members.includes(gone), members.includes(come)], [false, true], `round ${round}`);
      }
    }
    await assertFollows(pair.one(1));
  });

  void test("one change that waits is asked for once, and comes into force wherever it is agreed to", async () => {
    await using pair = await open({ directory: ADMINS });
    const [here, there] = [pair.one(0), pair.one(1)];
    const steps = newcomer("scim:left", "ivy", security);
    const put = await here.people.change([steps[0] as DirectoryStep], OPERATOR);
    assert.equal(put.status, "applied");
    await until("both know ivy", () => here.rulesDigest === there.rulesDigest);
    const join = [steps[1] as DirectoryStep];
    const asked = await Promise.all(pair.houses.map(({ people }) => people.change(join, OPERATOR)));
    const requests = new Set(asked.map((one) => (one.status === "held" ? one.request : one.status)));
    assert.equal(requests.size, 1, JSON.stringify(asked));
    const [id = ""] = requests;
    // The instance that asked is gone; the other one settles it alone.
    await here.stop();
    for (const admin of ["eve", "fay"]) {
      const person = await there.person(admin);
      const digest = textAt((await person.get(`/v1/requests/${id}`)).body, "digest");
      await approve(person, { id, digest, evaluation: "", approval: "" });
    }
    await until("ivy is in", async () => (await membersAt(there, security)).includes("ivy"));
    await until("nothing waits", async () => {
      const { body } = await there.operator.get("/v1/directory/pending");
      return (at(body, "pending") as readonly unknown[]).length === 0;
    });
    const done = (await there.entries()).filter(({ stream }) => stream === `request/${id}`).map(({ type }) => type);
    for (const type of ["permit.redeemed", "action.completed"])
      assert.equal(done.filter((one) => one === type).length, 1, type);
    await assertFollows(there);
  });

  void test("agreed to while both instances are there, it is done once", async () => {
    await using pair = await open({ directory: ADMINS });
    for (let round = 0; round < 5; round += 1) {
      const id = `new-${round}`;
      const [put, join] = newcomer("scim:left", id, security);
      await pair.one(0).people.change([put as DirectoryStep], OPERATOR);
      const held = await pair.one(round % 2).people.change([join as DirectoryStep], OPERATOR);
      assert.ok(held.status === "held", held.status);
      for (const admin of ["eve", "fay"]) {
        const person = await pair.house.person(admin);
        const digest = textAt((await person.get(`/v1/requests/${held.request}`)).body, "digest");
        await approve(person, { id: held.request, digest, evaluation: "", approval: "" });
      }
      const stream = `request/${held.request}`;
      const types = async (): Promise<readonly string[]> =>
        (await pair.one(0).entries()).filter((one) => one.stream === stream).map(({ type }) => type);
      await until("it is completed", async () => (await types()).includes("action.completed"));
      assert.equal((await types()).filter((type) => type === "permit.redeemed").length, 1);
      await until("both have it", async () =>
        (await Promise.all(pair.houses.map((house) => membersAt(house, security)))).every((one) => one.includes(id)),
      );
    }
    await assertFollows(pair.one(1));
  });

  /** What is recorded at one instance, and how its code reads at the other, which hears of it by a poll each second. */
  const CHANGES: readonly (readonly [string, (here: House, token: string) => Promise<void>, string, string])[] = [
    [
      "a person who is put out",
      async (here) => {
        await here.change({
          directory: edited(DIRECTORY, "    name: Ann Achterberg", "    active: false\n    name: Ann Achterberg"),
        });
      },
      "approval_voided",
      "approval_voided",
    ],
    [
      "a policy that forbids",
      async (here) => {
        const never = `@id("never")\nforbid (principal, action == Action::"export", resource);\n`;
        writeFileSync(join(here.files.policies, "never.cedar"), never);
        assert.equal((await here.operator.post("/v1/reload", {})).status, 200);
      },
      "policy_denied",
      "policy_denied",
    ],
    [
      "a credential that is revoked",
      async (here, token) => {
        assert.equal((await here.operator.post(`/v1/tokens/${token}/revoke`, {})).status, 200);
      },
      "unauthenticated",
      "unauthenticated",
    ],
  ];
  for (const [what, change, redeemed, applied] of CHANGES) {
    void test(`${what} at one instance counts for the next redemption and permit at another`, async () => {
      await using pair = await open({ wake: "poll", policies: POLICIES });
      const [here, there] = [pair.one(0), pair.one(1)];
      const made = await here.operator.post("/v1/tokens", { agent: "report-bot", gate: "sdk" });
      const gate = there.as(textAt(made.body, "token"));
      const ann = there.as((await here.person("ann")).token);
      const granted = async (rows: number): Promise<Held> => {
        const held = await hold(gate, exportRows(rows));
        await approve(ann, held);
        return held;
      };
      const [first, second] = [await granted(1000), await granted(1001)];
      const permit = await permitFor(gate, exportRows(1000), first);
      // Known there at this moment, and not to be looked up again by itself.
      assert.equal((await apply(gate, exportRows(1001), second)).status, 200);
      await change(here, textAt(made.body, "id"));
      const [used, asked] = await Promise.all([
        redeem(gate, permit, first.digest),
        apply(gate, exportRows(1001), second),
      ]);
      assert.equal(codeOf(used), redeemed, used.text);
      const code = asked.status === 200 ? at(asked.body, "context", "code") : codeOf(asked);
      assert.equal(code, applied, asked.text);
    });
  }
});
