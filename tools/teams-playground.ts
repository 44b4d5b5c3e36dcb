/**
 * Tries our cards in Microsoft's Agents Playground, which is not a dependency: its licence is for evaluation alone.
 *
 *     npm install --prefix ./playground --ignore-scripts @microsoft/m365agentsplayground@0.2.28
 *     node tools/teams-playground.ts ./playground
 *
 * The playground signs nothing and knows other ids than Teams, so a proxy stands between it and our server: it signs what the
 * playground sends with a key of a tenant of ours, and puts ids of Teams' form in their places, both ways.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { jsonText } from "../src/core/action/index.ts";
import type { Json, JsonObject } from "../src/core/action/index.ts";
import { linkedDirectory } from "../test/channels/teams/chat.ts";
import { APP, TENANT, Tenant } from "../test/channels/teams/tenant.ts";
import { dropTable } from "../test/support/actions.ts";
import { openBrowser } from "../test/support/browser.ts";
import { hold } from "../test/support/flow.ts";
import { House } from "../test/support/house.ts";
import { at } from "../test/support/json.ts";

const PLAYGROUND_PORT = 56_150;
const folder = process.argv[2];
if (folder === undefined) throw new Error("name the folder in which the playground is installed");
const playground = `http://127.0.0.1:${PLAYGROUND_PORT}`;

await using tenant = await Tenant.open();
let server = "";
/** The playground's id of the one person who acts in it, as far as it has told. */
let user = "";

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** What the playground sends, as the Bot Framework would. */
async function inward(text: string): Promise<Response> {
  const activity = JSON.parse(text) as JsonObject;
  const from = jsonText(at(activity, "from", "id"));
  if (from !== "") user = from;
  const dressed = {
    ...activity,
    from: { ...(activity["from"] as JsonObject), aadObjectId: tenant.id("ann") },
    recipient: { id: `28:${APP}` },
    conversation: { ...(activity["conversation"] as JsonObject), tenantId: TENANT },
    channelData: { tenant: { id: TENANT } },
  };
  const token = await tenant.token(Date.now(), { serviceurl: jsonText(activity["serviceUrl"]) });
  console.log(`in   ${jsonText(activity["type"])} ${jsonText(activity["name"])}`);
  return fetch(`${server}/v1/channels/teams`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(dressed),
  });
}

/** What our server asks of the connector, as the playground understands it. */
async function outward(method: string, path: string, text: string): Promise<Response> {
  const body = text.replaceAll(tenant.id("ann"), user).replaceAll(TENANT, "00000000-0000-0000-0000-0000000000001");
  const response = await fetch(`${playground}/_connector${path}`, {
    method,
    headers: { authorization: "Bearer x", "content-type": "application/json" },
    ...(method === "GET" ? {} : { body }),
  });
  console.log(`out  ${method} ${path.replaceAll(/%[0-9A-F]{2}/g, "…").slice(0, 80)} ${response.status}`);
  if (!path.includes("/members/")) return response;
  const member = { ...((await response.json()) as JsonObject), aadObjectId: tenant.id("ann"), tenantId: TENANT };
  return Response.json({ ...member, userRole: "user", userPrincipalName: "ann@example.com" });
}

const proxy = createServer((request, response) => {
  const work = async (): Promise<void> => {
    const text = await textOf(request);
    const { method = "", url = "" } = request;
    const answer = url.startsWith("/teams/")
      ? await outward(method, url.slice("/teams".length), text)
      : await inward(text);
    const headers = { "content-type": answer.headers.get("content-type") ?? "application/json" };
    response.writeHead(answer.status, headers).end(await answer.text());
  };
  work().catch((error: unknown) => response.writeHead(500).end(String(error)));
});
await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", () => resolve()));
const own = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;

const teams = tenant.config();
const cloud = { ...teams.cloud, serviceUrl: `${own}/teams` };
await using house = await House.open({
  directory: linkedDirectory(tenant, ["ann"]),
  notify: { giveUpAfterMs: 60_000, webhooks: [], mail: null, teams: { ...teams, cloud } },
});
server = house.url;

const child = spawn(
  process.execPath,
  [
    join(folder, "node_modules/@microsoft/m365agentsplayground/cli.js"),
    "start",
    `--app-endpoint=${own}/api/messages`,
    `--service-url=${own}/teams`,
    `--port=${PLAYGROUND_PORT}`,
    "--channel-id=msteams",
    "--disable-telemetry",
  ],
  { stdio: "ignore", env: { ...process.env, BROWSER: "none" } },
);
try {
  for (
    let n = 0;
    n < 100 &&
    !(await fetch(playground).then(
      ({ ok }) => ok,
      () => false,
    ));
    n += 1
  )
    await sleep(100);
  await using browser = await openBrowser();
  const page = await browser.newPage({ viewport: { width: 1200, height: 1400 } });
  await page.route("**/*", (route) =>
    route.request().url().startsWith("http://127.0.0.1") ? route.continue() : route.abort(),
  );
  await page.goto(playground);
  for (let n = 0; n < 100 && user === ""; n += 1) await sleep(100);
  const gate = await house.gate();
  const status = async (id: string): Promise<Json | undefined> =>
    at((await gate.get(`/access/v1/requests/${id}`)).body, "task", "status");
  const first = await hold(gate, dropTable("orders"));
  await page.getByText("Review: change the structure of …").waitFor({ timeout: 15_000 });
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByText("Ann Achterberg approved").waitFor({ timeout: 15_000 });
  assert.equal(await status(first.id), "pending", "one of two");
  const second = await hold(gate, dropTable("customers"));
  await page.getByText("customers", { exact: false }).last().waitFor({ timeout: 15_000 });
  await page.getByRole("button", { name: "Deny and say why" }).last().click();
  await page.getByRole("textbox").first().fill("not on a Friday");
  await page.getByRole("button", { name: "Deny with this reason" }).last().click();
  await page.getByText("Ann Achterberg denied").first().waitFor({ timeout: 15_000 });
  assert.equal(await status(second.id), "denied");
  console.log("approved, denied with a reason, changed in place");
} finally {
  child.kill("SIGTERM");
  proxy.closeAllConnections();
  proxy.close();
}
