// The protocol's own conformance suite, with and without the gateway: what it finds has to be the same.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { House } from "../support/house.ts";
import { freePort, Launched, until } from "../support/process.ts";
import { CONFORMANCE, EVERYTHING, gateway, readyUrl, REFERENCE, rulesFor } from "./stage.ts";

const cwd = mkdtempSync(join(tmpdir(), "keyturn-conformance-"));
process.once("exit", () => rmSync(cwd, { recursive: true, force: true }));

/** What the suite says of each scenario, such as `3 passed, 0 failed`, and in all. */
async function verdicts(url: string, revision: string): Promise<Record<string, string>> {
  await using suite = new Launched(
    process.execPath,
    [CONFORMANCE, "server", "--url", url, "--requirements", revision, "--timeout", "10000"],
    { cwd },
  );
  const { out, err } = await suite.ended;
  const found = [...out.matchAll(/^(?:[✓✗] )?(\S+): (\d+ passed, \d+ failed)/gm)];
  assert.ok(found.length > 30, `${out}\n${err}`);
  return Object.fromEntries(found.map(([, scenario = "", verdict = ""]) => [scenario, verdict]));
}

/** Compares what the suite finds directly and through the gateway; `better` are scenarios that the gateway passes by itself. */
async function compare(
  url: string,
  revisions: Readonly<Record<string, string>>,
  better: readonly string[],
): Promise<void> {
  // Every name that the suite may call, listed or not: what is declared passes, and every call is judged all the same.
  const suite = readFileSync(CONFORMANCE, "utf8");
  const tools = new Set(suite.match(/\b(?:test_[a-z0-9_]+|[a-z0-9_]+(?=`,arguments))/g));
  const effects = Object.fromEntries([...tools].map((name) => [`mcp.call.it.${name}`, "read"]));
  const asks = { "mcp.sample": "read", "mcp.elicit": "read" };
  await using house = await House.open(rulesFor({ ...effects, ...asks }));
  await using through = await gateway(house, { it: { url } });
  for (const [revision, total] of Object.entries(revisions)) {
    const direct = await verdicts(url, revision);
    assert.equal(direct["Total"], total, JSON.stringify(direct));
    const gated = await verdicts(`${through.url}/mcp/it`, revision);
    for (const scenario of better) {
      assert.match(gated[scenario] ?? "", / 0 failed$/, scenario);
      direct[scenario] = gated[scenario] ?? "";
    }
    if (better.length > 0) direct["Total"] = gated["Total"] ?? "";
    assert.deepEqual(gated, direct, revision);
  }
  // The calls were judged, and not handed on unseen.
  const calls = (await house.entries()).filter(({ type }) => type === "action.evaluated");
  assert.ok(calls.length > 10, String(calls.length));
}

test("the reference server has the same conformance through the gateway as without it, in both eras", async () => {
  await using reference = new Launched(process.execPath, [REFERENCE], { cwd });
  const totals = { "2025-11-25": "81 passed, 0 failed", "2026-07-28": "143 passed, 44 failed" };
  await compare(await readyUrl(reference), totals, []);
});

test("a server that others wrote has the same conformance through the gateway as without it", async () => {
  const port = await freePort();
  await using server = new Launched(process.execPath, [EVERYTHING, "streamableHttp"], {
    cwd,
    env: { PORT: String(port) },
  });
  const url = `http://127.0.0.1:${port}/mcp`;
  await until("server-everything listens", () => server.out.includes("Starting") && reached(url));
  // It looks at no Host and at no session that is over; the gateway does.
  await compare(url, { "2025-11-25": "47 passed, 22 failed" }, [
    "dns-rebinding-protection",
    "server-session-lifecycle",
  ]);
});

function reached(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}
