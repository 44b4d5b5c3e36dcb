import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fastify, { type FastifyInstance } from "fastify";
import { serveConsole } from "../../src/server/static.ts";
import { House } from "../support/house.ts";

const folder = mkdtempSync(join(tmpdir(), "keyturn-console-"));
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
let app: FastifyInstance;

before(() => {
  writeFileSync(join(folder, "index.html"), "<!doctype html>the console");
  app = fastify();
  const page = serveConsole(app, folder);
  app.setNotFoundHandler(async (request, reply) => {
    if (page(request, reply)) return reply;
    return reply.code(404).send({ code: "not_found" });
  });
});
after(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

test("an address that is none is a page for a person and JSON for a program", async () => {
  const rows: readonly (readonly [
    method: "GET" | "HEAD" | "POST",
    url: string,
    accept: string | null,
    page: boolean,
  ])[] = [
    ["GET", "/settings", BROWSER, true],
    ["GET", "/requests/arq_1/more", BROWSER, true],
    ["GET", "/v2/anything?x=1", "TEXT/HTML", true],
    ["HEAD", "/settings", BROWSER, true],
    ["POST", "/settings", BROWSER, false],
    ["GET", "/settings", null, false],
    ["GET", "/settings", "*/*", false],
    ["GET", "/settings", "application/json", false],
    ["GET", "/settings", "application/json, text/html;q=0", false],
    ["GET", "/settings", "text/html-ish", false],
  ];
  for (const [method, url, accept, page] of rows) {
    const answer = await app.inject({ method, url, headers: accept === null ? {} : { accept } });
    assert.equal(answer.statusCode, 404, `${method} ${url} ${accept}`);
    const type = page ? "text/html; charset=utf-8" : "application/json; charset=utf-8";
    assert.equal(answer.headers["content-type"], type, `${method} ${url} ${accept}`);
    if (!page) continue;
    assert.match(String(answer.headers["content-security-policy"]), /^default-src 'self'/);
    assert.equal(answer.headers["vary"], "accept");
    if (method === "GET") assert.match(answer.body, /the console/);
  }
});

test("what is refused for a reason of its own stays JSON, whoever asks", async () => {
  await using house = await House.open();
  const headers = { accept: BROWSER };
  for (const [path, status] of [
    ["/v1/requests", 401],
    ["/v1/requests/7", 401],
  ] as const) {
    const answer = await house.anyone.get(path, { headers });
    assert.deepEqual(
      [answer.status, answer.headers.get("content-type")],
      [status, "application/problem+json; charset=utf-8"],
      path,
    );
  }
  const program = await house.anyone.get("/v2/anything", { headers: { accept: "application/json" } });
  assert.deepEqual([program.status, program.body["code"]], [404, "not_found"]);
});
