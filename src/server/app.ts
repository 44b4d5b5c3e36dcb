import { fastify, type FastifyInstance, type FastifyReply } from "fastify";
import { JSON_BYTES_MAX, parseJson } from "../core/action/index.ts";
import type { House } from "./house.ts";
import { HttpProblem, problemOf } from "./problem.ts";
import { Routes } from "./route.ts";
import { adminRoutes } from "./routes/admin.ts";
import { authzenRoutes } from "./routes/authzen.ts";
import { eraseRoutes } from "./routes/erase.ts";
import { exportRoutes } from "./routes/export.ts";
import { ledgerRoutes } from "./routes/ledger.ts";
import { metaRoutes } from "./routes/meta.ts";
import { peopleRoutes } from "./routes/people.ts";
import { permitRoutes } from "./routes/permits.ts";
import { requestRoutes } from "./routes/requests.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { consoleFolder, serveConsole } from "./static.ts";

/** Told of what went wrong here: never of what was sent. */
export type Log = (level: "info" | "error", message: string, details?: object) => void;

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
  app.addHook("onRequest", (request, reply, done) => {
    const id = request.headers["x-request-id"];
    if (typeof id === "string" && /^[\x21-\x7e]{1,200}$/.test(id)) void reply.header("x-request-id", id);
    void reply.header("x-content-type-options", "nosniff").header("cache-control", "no-store");
    done();
  });
  app.setErrorHandler((error, _request, reply) => answerWith(error, reply));
  app.setNotFoundHandler(() => {
    throw new HttpProblem({
      status: 404,
      code: "not_found",
      message: "there is nothing here; /openapi.json lists what there is",
    });
  });

  const routes = new Routes(app, house);
  metaRoutes(routes, house);
  authzenRoutes(routes, house);
  requestRoutes(routes, house);
  permitRoutes(routes, house);
  peopleRoutes(routes, house);
  sessionRoutes(routes, house);
  adminRoutes(routes, house);
  ledgerRoutes(routes, house);
  eraseRoutes(routes, house);
  exportRoutes(routes, house);
  const folder = consoleFolder();
  if (folder !== null) serveConsole(app, folder);
  return app;
}

/** Core and zod check what comes in. Without this, Fastify loads two compilers of JSON Schema at every start for nothing. */
function noCompiler(): never {
  throw new TypeError("a route was given a schema of Fastify's own; give it `body` or `documents` instead");
}
