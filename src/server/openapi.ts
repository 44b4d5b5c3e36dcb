import { z } from "zod";
import type { Access } from "./auth.ts";
import type { Documented } from "./route.ts";

const SECURITY: Readonly<Record<Access, readonly object[]>> = {
  anyone: [],
  gate: [{ gate: [] }],
  person: [{ session: [] }],
  operator: [{ operator: [] }],
  reader: [{ session: [] }, { operator: [] }],
  // OpenAPI 3.1: for schemes without scopes the list may name roles, of which one is needed.
  admin: [{ session: ["admin"] }, { operator: [] }],
  auditor: [{ session: ["admin", "auditor"] }, { operator: [] }],
  scim: [{ scim: [] }],
};

/** OpenAPI 3.1, made from the routes that are really there and the schemas that really parse. */
export function openApi(routes: readonly Documented[], server: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, url, access, summary, body, form } of routes) {
    const path = url.replace(/:([a-z]+)/g, "{$1}");
    const parameters = [...url.matchAll(/:([a-z]+)/g)].map(([, name]) => ({
      name,
      in: "path",
      required: true,
      schema: { type: "string" },
    }));
    paths[path] = {
      ...paths[path],
      [method.toLowerCase()]: {
        summary,
        security: SECURITY[access],
        ...(parameters.length === 0 ? {} : { parameters }),
        ...(body === null
          ? {}
          : {
              requestBody: {
                required: true,
                content: {
                  [form === true ? "application/x-www-form-urlencoded" : "application/json"]: {
                    schema: z.toJSONSchema(body, { io: "input" }),
                  },
                },
              },
            }),
        responses: {
          "2XX": { description: "Done" },
          default: {
            description: "Refused or failed",
            content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
          },
        },
      },
    };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Keyturn",
      version: "1",
      description: "Holds privileged actions until the right people have turned their keys.",
    },
    servers: [{ url: server }],
    paths,
    components: {
      securitySchemes: {
        gate: { type: "http", scheme: "bearer", description: "a gate's token, `kt_…`" },
        operator: { type: "http", scheme: "bearer", description: "an operator's token, `kto_…`" },
        scim: { type: "http", scheme: "bearer", description: "a provisioning client's token, `ktc_…`" },
        session: { type: "apiKey", in: "cookie", name: "keyturn_session" },
      },
      schemas: { Problem },
    },
  };
}

const Problem = {
  type: "object",
  description: "RFC 9457",
  required: ["type", "title", "status", "detail", "code"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string" },
    pointer: { type: "string" },
  },
};
