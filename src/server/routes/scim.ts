import type { FastifyInstance, FastifyReply } from "fastify";
import type { JsonObject } from "../../core/action/index.ts";
import { isJsonObject, parseJson } from "../../core/action/index.ts";
import {
  listed,
  projected,
  providerConfig,
  resourceTypes,
  schemas,
  ScimError,
  search,
  shown,
  versionOf,
  type GroupRecord,
  type ScimDesk,
  type UserRecord,
} from "../../identity/scim/index.ts";
import type { ScimPrincipal } from "../principals.ts";
import type { House } from "../house.ts";
import { HttpProblem, problemOf } from "../problem.ts";
import { Routes, type Call, type Documented } from "../route.ts";
import type { Log } from "../log.ts";

const ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error";
const MEDIA = "application/scim+json";

/** SCIM 2.0 (RFC 7644) for provisioning clients, below `/scim/v2`, with errors as SCIM writes them. */
export function scimRoutes(app: FastifyInstance, house: House, documented: Documented[], log: Log): void {
  void app.register((scope, _, done) => {
    scope.addContentTypeParser(MEDIA, { parseAs: "buffer" }, (_request, body, parsed) => {
      try {
        parsed(null, parseJson(body as Buffer));
      } catch (error) {
        parsed(error as Error, undefined);
      }
    });
    scope.setErrorHandler((error, _request, reply) => answerError(error, reply, log));
    const routes = new Routes(scope, house, documented);
    discoveryRoutes(routes, house);
    userRoutes(routes, house);
    groupRoutes(routes, house);
    for (const url of ["/scim/v2/Bulk", "/scim/v2/Me"]) {
      routes.add({
        method: "POST",
        url,
        access: "scim",
        summary: "Not offered: change one resource after the other",
        handler: () =>
          Promise.reject(new ScimError(501, null, "this server does not offer it; see ServiceProviderConfig")),
      });
    }
    done();
  });
}

function answerError(error: unknown, reply: FastifyReply, log: Log): void {
  const isScim = error instanceof ScimError;
  const { problem } = isScim ? { problem: null } : problemOf(error);
  const status = isScim ? error.status : (problem?.status ?? 500);
  if (status >= 500 && !isScim) log("error", "a SCIM request failed", { error: String(error) });
  const detail = isScim ? error.message : (problem?.detail ?? "");
  const word = isScim ? error.scimType : status === 400 ? "invalidSyntax" : null;
  const body = {
    schemas: [ERROR_SCHEMA],
    status: String(status),
    ...(word === null ? {} : { scimType: word }),
    detail,
  };
  void reply.code(status).type(MEDIA).send(JSON.stringify(body));
}

function discoveryRoutes(routes: Routes, house: House): void {
  const get = (path: string, summary: string, answer: (base: string, name: string) => unknown): void => {
    routes.add({
      method: "GET",
      url: `/scim/v2/${path}`,
      access: "scim",
      summary,
      handler: async ({ reply, params }) => send(reply, await answer(baseOf(house), params["id"] ?? "")),
    });
  };
  const named = async (all: Promise<readonly JsonObject[]>, id: string): Promise<JsonObject> => {
    const found = (await all).find((one) => one["id"] === id);
    if (found === undefined) throw new ScimError(404, null, "there is no such description");
    return found;
  };
  get("ServiceProviderConfig", "What this SCIM server does", providerConfig);
  get("ResourceTypes", "Kinds of SCIM resources", (base) => listed(resourceTypes(base)));
  get("ResourceTypes/:id", "One kind of SCIM resource", (base, id) => named(Promise.resolve(resourceTypes(base)), id));
  get("Schemas", "Schemas of SCIM resources", async (base) => listed(await schemas(base)));
  get("Schemas/:id", "One schema of SCIM resources", (base, id) => named(schemas(base), id));
}

function userRoutes(routes: Routes, house: House): void {
  resourceRoutes(routes, house, "Users", {
    create: async (desk, body) => (await desk.createUser(body)).record,
    replace: async (desk, id, body, match) => (await desk.replaceUser(id, body, match)).record,
    patch: async (desk, id, body, match) => (await desk.patchUser(id, body, match)).record,
    remove: (desk, id, match) => desk.deleteUser(id, match),
  });
}

function groupRoutes(routes: Routes, house: House): void {
  resourceRoutes(routes, house, "Groups", {
    create: async (desk, body) => (await desk.createGroup(body)).record,
    replace: async (desk, id, body, match) => (await desk.replaceGroup(id, body, match)).record,
    patch: async (desk, id, body, match) => (await desk.patchGroup(id, body, match)).record,
    remove: (desk, id, match) => desk.deleteGroup(id, match),
  });
}

type AnyRecord = UserRecord | GroupRecord;
type ScimCall = Call<"scim", undefined>;
type Body = ScimCall["raw"];
type Verbs = {
  create(desk: ScimDesk, body: Body): Promise<AnyRecord>;
  replace(desk: ScimDesk, id: string, body: Body, match: string | undefined): Promise<AnyRecord>;
  patch(desk: ScimDesk, id: string, body: Body, match: string | undefined): Promise<AnyRecord>;
  remove(desk: ScimDesk, id: string, match: string | undefined): Promise<void>;
};

function resourceRoutes(routes: Routes, house: House, kind: "Users" | "Groups", verbs: Verbs): void {
  const [url, one] = [`/scim/v2/${kind}`, `/scim/v2/${kind}/:id`];
  const what = kind.toLowerCase();
  const common = { access: "scim" as const };
  const answered = async (call: ScimCall, desk: ScimDesk, record: AnyRecord, status: number): Promise<unknown> => {
    const resource = shown(desk, await desk.records(), record, baseOf(house));
    void call.reply.code(status).header("etag", versionOf(record));
    if (status === 201) void call.reply.header("location", `${baseOf(house)}/${kind}/${record.id}`);
    return send(call.reply, projected(resource, call.query["attributes"], call.query["excludedAttributes"]));
  };
  routes.add({
    ...common,
    method: "GET",
    url,
    summary: `Search provisioned ${what}`,
    handler: async ({ who, query, reply }) => send(reply, await search(deskOf(house, who), kind, query, baseOf(house))),
  });
  routes.add({
    ...common,
    method: "POST",
    url,
    summary: `Provision one of ${what}`,
    handler: async (call) => {
      const desk = deskOf(house, call.who);
      return answered(call, desk, await verbs.create(desk, call.raw), 201);
    },
  });
  routes.add({
    ...common,
    method: "GET",
    url: one,
    summary: `One of the provisioned ${what}`,
    handler: async (call) => {
      const desk = deskOf(house, call.who);
      const record = (await desk.records())[kind === "Users" ? "users" : "groups"].get(call.params["id"] ?? "");
      if (record === undefined) throw new ScimError(404, null, "there is no such resource");
      if (call.request.headers["if-none-match"] === versionOf(record)) return call.reply.code(304).send();
      return answered(call, desk, record, 200);
    },
  });
  for (const method of ["PUT", "PATCH"] as const) {
    routes.add({
      ...common,
      method,
      url: one,
      summary: method === "PUT" ? `Replace one of the provisioned ${what}` : `Change one of the provisioned ${what}`,
      handler: async (call) => {
        const desk = deskOf(house, call.who);
        const given = [desk, call.params["id"] ?? "", call.raw, call.request.headers["if-match"]] as const;
        const record = await (method === "PUT" ? verbs.replace(...given) : verbs.patch(...given));
        return answered(call, desk, record, 200);
      },
    });
  }
  routes.add({
    ...common,
    method: "DELETE",
    url: one,
    summary: `Take one of the provisioned ${what} away`,
    handler: async ({ who, params, request, reply }) => {
      await verbs.remove(deskOf(house, who), params["id"] ?? "", request.headers["if-match"]);
      return reply.code(204).send();
    },
  });
}

/** The desk of the client whose token it is; a client that is gone from the settings does nothing more. */
function deskOf(house: House, { source }: ScimPrincipal): ScimDesk {
  const desk = house.scim.get(source);
  if (desk !== undefined) return desk;
  throw new HttpProblem({ status: 403, code: "not_allowed", message: "the settings name no such provisioning client" });
}

function baseOf(house: House): string {
  return `${house.publicUrl}/scim/v2`;
}

function send(reply: FastifyReply, body: unknown): FastifyReply {
  // Whatever is answered here was made of JSON; the reply's own type is SCIM's.
  return reply.type(MEDIA).send(isJsonObject(body as JsonObject) ? JSON.stringify(body) : body);
}
