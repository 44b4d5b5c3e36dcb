import { fastify, type FastifyInstance, type FastifyReply } from "fastify";
import { JSON_BYTES_MAX, parseJson } from "../core/action/index.ts";
import { acceptForms } from "./form.ts";
import type { House } from "./house.ts";
import { HttpProblem, problemOf } from "./problem.ts";
import { Routes } from "./route.ts";
import { accountRoutes } from "./routes/sessions-accounts.ts";
import type { Log } from "./log.ts";
import { adminRoutes } from "./routes/admin.ts";
import { authzenRoutes } from "./routes/authzen.ts";
import { directoryRoutes } from "./routes/directory.ts";
import { eraseRoutes } from "./routes/erase.ts";
import { exportRoutes } from "./routes/export.ts";
import { factRoutes } from "./routes/facts.ts";
import { ledgerRoutes } from "./routes/ledger.ts";
import { metaRoutes } from "./routes/meta.ts";
import { passkeyRoutes } from "./routes/passkeys.ts";
import { oidcRoutes } from "./routes/oidc.ts";
import { peopleRoutes } from "./routes/people.ts";
import { permitRoutes } from "./routes/permits.ts";
import { pushRoutes } from "./routes/push.ts";
import { requestRoutes } from "./routes/requests.ts";
import { scimRoutes } from "./routes/scim.ts";
import { slackRoutes } from "./routes/slack.ts";
import { teamsRoutes } from "./routes/teams.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { tokenRoutes } from "./routes/token.ts";
import { consoleFolder, serveConsole } from "./static.ts";

/** The labels of an answer's class, by its first digit. */
const CLASSES: readonly { readonly status: string }[] = Array.from({ length: 10 }, (_, digit) => ({
  status: `${digit}xx`,
}));

/** The HTTP server over a house: one strict parser, one place for errors, and the routes. */
export function buildApp(house: House, log: Log): FastifyInstance {
  const answerWith = (error: unknown, reply: FastifyReply): void => {
    const { problem, retryAfterMs } = problemOf(error);
    if (problem.status >= 500)
      log("error", "a request failed", {
        code: problem.code,
        error: String(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
    if (retryAfterMs !== undefined)
      void reply.header("retry-after", String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
    void reply.code(problem.status).type("application/problem+json").send(problem);
  };
  const app = fastify({
    // Refused before any hook runs, such as a path that is no URL.
    frameworkErrors: (error, _request, reply) => {
      void reply.header("x-content-type-options", "nosniff").header("cache-control", "no-store");
      answerWith(error, reply);
    },
    logger: false,
    bodyLimit: JSON_BYTES_MAX,
    forceCloseConnections: true,
    requestTimeout: 30_000,
    schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
  });
  // The built-in parser would take duplicate keys and lone surrogates.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => {
    try {
      done(null, parseJson(body as Buffer));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
  acceptForms(app);
  addHooks(app, house);
  app.setErrorHandler((error, _request, reply) => answerWith(error, reply));

  const routes = new Routes(app, house);
  metaRoutes(routes, house);
  authzenRoutes(routes, house);
  requestRoutes(routes, house);
  permitRoutes(routes, house);
  factRoutes(routes, house);
  peopleRoutes(routes, house);
  passkeyRoutes(routes, house);
  pushRoutes(routes, house);
  sessionRoutes(routes, house);
  oidcRoutes(routes, house, log);
  accountRoutes(routes, house);
  adminRoutes(routes, house);
  directoryRoutes(routes, house);
  ledgerRoutes(routes, house);
  eraseRoutes(routes, house);
  exportRoutes(routes, house);
  scimRoutes(app, house, routes.documented, log);
  tokenRoutes(app, house, routes.documented, log);
  if (house.channels.slack !== null) slackRoutes(app, house.channels.slack, routes.documented);
  if (house.channels.teams !== null) teamsRoutes(app, house.channels.teams, routes.documented);
  serveTheRest(app);
  return app;
}

/** The console, and what is said of an address that is none. */
function serveTheRest(app: FastifyInstance): void {
  const folder = consoleFolder();
  const page = folder === null ? null : serveConsole(app, folder);
  app.setNotFoundHandler(async (request, reply) => {
    if (page?.(request, reply) === true) return reply;
    throw new HttpProblem({
      status: 404,
      code: "not_found",
      message: "there is nothing here; /openapi.json lists what there is",
    });
  });
}

/** What happens around every request: its headers, whether there is room for it, and how long it took. */
function addHooks(app: FastifyInstance, house: House): void {
  app.addHook("onRequest", (request, reply, done) => {
    const id = request.headers["x-request-id"];
    if (typeof id === "string" && /^[\x21-\x7e]{1,200}$/.test(id)) void reply.header("x-request-id", id);
    void reply.header("x-content-type-options", "nosniff").header("cache-control", "no-store");
    try {
      house.pressure.enter(request.raw, reply.raw);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  app.addHook("onResponse", (request, reply, done) => {
    // Long polls and streams are held on purpose: how long says nothing.
    const isHeld = request.headers["prefer"] !== undefined || request.routeOptions.url?.endsWith("/stream") === true;
    if (!isHeld) house.metrics.observe("http_seconds", reply.elapsedTime / 1000);
    house.metrics.count("http_responses_total", CLASSES[Math.floor(reply.statusCode / 100)]);
    done();
  });
}

/** Core and zod check what comes in. Without this, Fastify loads two compilers of JSON Schema at every start for nothing. */
function noCompiler(): never {
  throw new TypeError("a route was given a schema of Fastify's own; give it `body` or `documents` instead");
}
