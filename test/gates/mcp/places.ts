// What the tests of the MCP gateway stand on: rules, a folder that a real server writes to, and people.
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Json, JsonObject } from "../../../src/core/action/index.ts";
import { House } from "../../support/house.ts";
import type { Client, HouseOptions } from "../../support/house.ts";
import { review } from "../../support/flow.ts";
import { at, textAt } from "../../support/json.ts";
import { CATALOGUE, POLICIES } from "../../support/rules.ts";

/** The MCP server of the reference implementations that reads and writes files. */
export const FILESYSTEM: string = fileURLToPath(
  new URL("../../../node_modules/@modelcontextprotocol/server-filesystem/dist/index.js", import.meta.url),
);
/** A server of our own that does what a real one should not. */
export const ODD: string = fileURLToPath(new URL("odd-server.ts", import.meta.url));
export const CLI: string = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));

const MCP_CATALOGUE = CATALOGUE.replace(
  "resources:",
  `  mcp.call.files.write_file: { title: Write a file, effects: [write] }
  mcp.call.files.create_directory: { effects: [delete] }
  mcp.call.files.read_text_file: { effects: [read] }
  mcp.call.files.list_directory: { effects: [read] }
  mcp.call.odd.echo: { effects: [read] }
  mcp.call.odd.append: { effects: [write] }
  mcp.call.odd.ask: { effects: [read] }
  mcp.call.odd.change: { effects: [read] }
  mcp.call.odd.never: { effects: [read] }
  mcp.call.odd.more: { effects: [write] }
  mcp.list: { effects: [read] }
  mcp.read: { effects: [read] }
  mcp.prompt: { effects: [read] }
  mcp.elicit: { effects: [network] }
resources:`,
);

const MCP_POLICIES = `${POLICIES}
@id("permit-mcp-read")
permit (principal, action == Action::"read", resource)
when { context.action like "mcp.call.*" };

@id("permit-mcp-look")
permit (principal, action == Action::"read", resource)
when { context.action == "mcp.prompt" || (context.action == "mcp.list" && resource.id != "files/move_file") };

@id("hold-write") @because("Somebody looks at what is written.")
@hold @approvers("security") @expires("1h")
forbid (principal, action == Action::"write", resource);

@id("hold-elicit") @because("A server that asks people is looked at.")
forbid (principal, action == Action::"network", resource);

@id("forbid-delete") @because("Nothing is removed here.")
forbid (principal, action == Action::"delete", resource);
`;

/** A server with rules for MCP, and a folder. */
export class Place implements AsyncDisposable {
  readonly house: House;
  readonly gate: Client;
  readonly security: Client;
  /** What the MCP server may touch, and what the gateway keeps. */
  readonly files: string;
  readonly state: string;
  readonly #dir: string;

  private constructor(house: House, gate: Client, security: Client, dir: string) {
    this.house = house;
    this.gate = gate;
    this.security = security;
    this.#dir = dir;
    this.files = join(dir, "files");
    this.state = join(dir, "state");
  }

  static async open(options: HouseOptions = {}): Promise<Place> {
    const house = await House.open({ catalogue: MCP_CATALOGUE, policies: MCP_POLICIES, ...options });
    const dir = await realpath(await mkdtemp(join(tmpdir(), "keyturn-mcp-")));
    const { mkdir } = await import("node:fs/promises");
    await mkdir(join(dir, "files"));
    return new Place(house, await house.gate("report-bot", "mcp"), await house.person("ann"), dir);
  }

  get token(): string {
    return this.gate.token ?? assert.fail("no token");
  }

  path(name: string): string {
    return join(this.files, name);
  }

  /** Names of the files that exist. */
  names(): readonly string[] {
    return readdirSync(this.files).sort();
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  /** Requests that wait for people, oldest first. */
  async pending(): Promise<readonly JsonObject[]> {
    const { body } = await this.house.operator.get("/v1/requests?status=pending");
    return [...((body["requests"] as readonly JsonObject[] | undefined) ?? [])];
  }

  /** The one request that waits, as soon as it does. */
  async held(): Promise<{ readonly id: string; readonly digest: string }> {
    for (let tries = 0; tries < 400; tries++) {
      const [first] = await this.pending();
      if (first !== undefined) return { id: textAt(first, "id"), digest: textAt(first, "digest") };
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return assert.fail("nothing is held");
  }

  async decide(verdict: "approve" | "deny", held?: { id: string; digest: string }): Promise<string> {
    const one = held ?? (await this.held());
    const answer = await review(this.security, one, verdict, verdict === "deny" ? { reason: "not on a Friday" } : {});
    assert.equal(answer.status, 200, answer.text);
    return one.id;
  }

  async statusOf(id: string): Promise<string> {
    return textAt((await this.gate.get(`/access/v1/requests/${id}`)).body, "task", "status");
  }

  /** How many permits were redeemed in all. */
  async redeemed(): Promise<number> {
    return (await this.house.entries()).filter(({ type }) => type === "permit.redeemed").length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.house[Symbol.asyncDispose]();
    await rm(this.#dir, { recursive: true, force: true });
  }
}

/** The text of a tool's result. */
export function said(result: Json | undefined): string {
  const text = at(result, "content", 0, "text");
  return typeof text === "string" ? text : "";
}
