import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Instant, PersonId } from "../../src/core/brand.ts";
import { dispatch } from "../../src/cli/dispatch.ts";
import { start } from "../../src/server/compose.ts";
import type { Running } from "../../src/server/compose.ts";
import { loadConfig } from "../../src/server/config.ts";
import { DIRECTORY, edited } from "../support/rules.ts";
import { screen } from "./terminal.ts";
import type { Screen } from "./terminal.ts";

// The commands of docs/people.md against a real server.

const ADMINS = `${edited(DIRECTORY, "groups:\n", "groups:\n  tea: []\n  solo: [dee]\n  admins: [eve, fay]\n")}roles:\n  admin: [admins]\n`;
let folder: string;
let server: Running;
let here: Screen;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "cli-people-"));
  here = screen({ cwd: folder });
  assert.equal(await dispatch(["init"], here), 0);
  // Policies of `keyturn init` name its own groups; this one names ours.
  writeFileSync(join(folder, "directory.yaml"), ADMINS);
  const dir = join(folder, "policies");
  rmSync(dir, { recursive: true });
  mkdirSync(dir);
  writeFileSync(
    join(dir, "rules.cedar"),
    `@id("hold-export") @because("b") @hold @approvers("data-owners") @quorum("2") @expires("1h")
forbid (principal, action == Action::"export", resource);
@id("hold-dee") @because("b") @hold @approvers("solo") @expires("1h")
forbid (principal, action == Action::"ddl", resource);\n`,
  );
  server = await start({
    config: loadConfig(join(folder, "keyturn.yaml"), { data: undefined, listen: "127.0.0.1:0" }),
    log: () => undefined,
  });
  const settings = readFileSync(join(folder, "keyturn.yaml"), "utf8");
  writeFileSync(join(folder, "keyturn.yaml"), settings.replace("127.0.0.1:7117", new URL(server.url).host));
  here.taken();
});

after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

async function keyturn(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const code = await dispatch(argv, here);
  return { code, ...here.taken() };
}

test("people are listed, added, linked, put into groups and taken out", async () => {
  const rows: readonly (readonly [string[], number, RegExp])[] = [
    [["list"], 0, /^ann +Ann Achterberg +active +data-owners, security +2 +0 +file$/m],
    [["show", "ann"], 0, /L4 +00u-ann +https:\/\/idp\.example\.com +file +stands in directory\.yaml/],
    [["groups"], 0, /^data-owners +5 +decides +file/m],
    [["add", "zoe", "--name", "Zoe Zimmer", "--email", "zoe@example.com"], 0, /in force/],
    [["join", "tea", "zoe"], 0, /in force/],
    [["link", "zoe", "https://gitlab.example.com", "4711", "--evidence", "asked her"], 0, /in force/],
    [["show", "zoe"], 0, /L2 +4711 +https:\/\/gitlab\.example\.com +keyturn +asked her/],
    [["unlink", "zoe", "https://gitlab.example.com", "4711"], 0, /in force/],
    [["deactivate", "zoe"], 0, /in force/],
    [["list"], 0, /^zoe +Zoe Zimmer +deactivated +tea/m],
    [["activate", "zoe"], 0, /in force/],
    [["leave", "tea", "zoe"], 0, /in force/],
    [["pending"], 0, /^Nothing waits\.$/m],
    [["join", "data-owners", "zoe"], 0, /^Waits for another administrator: `keyturn review arq_/m],
    [["pending"], 0, /zoe joins data-owners \(keyturn\)/],
  ];
  for (const [argv, code, pattern] of rows) {
    const answer = await keyturn("people", ...argv);
    assert.equal(answer.code, code, `${argv.join(" ")}: ${answer.err}`);
    assert.match(answer.out, pattern, argv.join(" "));
  }
});

test("as JSON, and what cannot be is said", async () => {
  const { out } = await keyturn("people", "list", "--json");
  const { people } = JSON.parse(out) as { people: { id: string; roles: string[] }[] };
  assert.deepEqual(people.find(({ id }) => id === "eve")?.roles, ["admin"]);
  const rows: readonly (readonly [string[], number, RegExp])[] = [
    [["show", "nobody"], 1, /`nobody` is not in the directory/],
    [["fly"], 2, /`people fly` does not exist/],
    [["link", "ann"], 2, /ISSUER is missing/],
    [["list", "all"], 2, /one argument too many/],
    [["add", "Zoe", "--name", "Z"], 1, /lower case/],
    [["unlink", "ann", "https://idp.example.com", "00u-ann"], 1, /stands in directory\.yaml/],
    [["join", "nowhere", "ann"], 1, /there is no group/i],
  ];
  for (const [argv, code, pattern] of rows) {
    const answer = await keyturn("people", ...argv);
    assert.equal(answer.code, code, `${argv.join(" ")}: ${answer.out}${answer.err}`);
    assert.match(answer.err, pattern, argv.join(" "));
  }
});

test("doctor names the weak spots among people", async () => {
  const { out } = await keyturn("doctor", "--json");
  const { findings } = JSON.parse(out) as { findings: { code: string; message: string }[] };
  const said = findings.map(({ code, message }) => `${code}: ${message}`).join("\n");
  for (const pattern of [
    /agent_without_owner: agent `orphan-bot`/,
    /group_of_one: group `solo`/,
    /approver_without_passkey: `ann`/,
    /directory_change_held: 1 steps of the directory wait/,
    /quorum_out_of_reach: what `hold-dee` asks for can never be met for agent `other-bot`/,
    /quorum_out_of_reach: what `hold-dee` asks for can never be met for agent `orphan-bot`/,
  ]) {
    assert.match(said, pattern);
  }
  assert.doesNotMatch(said, /quorum_out_of_reach: what `hold-export`/);
});

test("a passkey is shown by its id and revoked, also one whose id begins with a dash", async () => {
  const person = "bob" as PersonId;
  for (const id of ["k1", "-k2"]) {
    const passkey = { id, publicKey: "MFkw", synced: id === "k1", since: 1_795_300_000_000 as Instant };
    // By whoever signed with another key of theirs: nothing is held.
    const editor = { kind: "person", person, assurance: "A3" } as const;
    assert.equal(
      (await server.house.people.change([{ step: "enrol_passkey", person, passkey }], editor)).status,
      "applied",
    );
  }
  assert.match((await keyturn("people", "show", "bob")).out, /k1 +synced[\s\S]*-k2 +device-bound/);
  assert.equal((await keyturn("people", "revoke", "bob", "k1")).code, 0);
  assert.equal((await keyturn("people", "revoke", "--", "bob", "-k2")).code, 0);
  const gone = await keyturn("people", "revoke", "bob", "k1");
  assert.equal(gone.code, 1);
  assert.match(gone.err, /There is no such passkey/);
  assert.doesNotMatch((await keyturn("people", "show", "bob")).out, /device-bound/);
});

test("what waits is agreed to from the command line, to its end", async () => {
  const { pending } = JSON.parse((await keyturn("people", "pending", "--json")).out) as {
    pending: { request: string }[];
  };
  const id = pending[0]?.request ?? assert.fail("nothing waits");
  const ends = [
    /is recorded\. Still needed: 1 of 2 admins\.\n$/,
    /^Approved arq_\w+: it comes into force by itself\.\n$/m,
  ];
  for (const [at, person] of ["eve", "fay"].entries()) {
    const link = (await keyturn("people", "sign-in", person)).out.trim();
    assert.equal((await keyturn("sign-in", link)).code, 0);
    const { digest } = JSON.parse((await keyturn("review", id, "--json")).out) as { digest: string };
    const { code, out, err } = await keyturn("review", id, "approve", "--yes", "--digest", digest);
    assert.equal(code, 0, err);
    assert.match(out, ends[at] ?? assert.fail());
  }
  await server.house.people.change([], { kind: "operator", claimed: null }); // in turn: it is in force after it
  assert.match((await keyturn("people", "show", "zoe")).out, /^data-owners /m);
  assert.match((await keyturn("people", "pending")).out, /^Nothing waits\.$/m);
});
