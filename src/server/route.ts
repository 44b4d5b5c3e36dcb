import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Json } from "../core/action/index.ts";
import { InputError } from "../core/errors.ts";
import { checkMediaType } from "./form.ts";
import {
  assertStanding,
  authenticate,
  authenticateFresh,
  authenticateKnown,
  type Access,
  type Found,
  type Guarding,
  type Known,
  type PrincipalFor,
} from "./auth.ts";
import { Later } from "./later.ts";
import { tracedRoute } from "./tracing.ts";

/** One call of a route: who, and what was sent, parsed. */
export type Call<A extends Access, B> = {
  readonly who: PrincipalFor<A>;
  /** Where `who` rests on what is known here, which only a route that is `proven` is told. */
  readonly known: Known<A> | null;
  readonly body: B;
  readonly raw: Json;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
};

export type RouteSpec<A extends Access, B> = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly access: A;
  /** One line for the OpenAPI document. */
  readonly summary: string;
  /** The body's shape; a route without one takes no body. */
  readonly body?: z.ZodType<B>;
  /** The body is a form, not JSON: its fields, as texts, are what `body` describes. */
  readonly form?: true;
  /** For the OpenAPI document only, where the body is parsed by core. */
  readonly documents?: z.ZodType;
  /**
   * Whether all that other instances have recorded by now is read first. If not given: for what people and operators
   * change, which is seldom and must not rest on a directory of a moment ago. Where the body decides, the caller's
   * credential is looked at again after it. `proven`: not where the commit itself proves that nothing was missed; the
   * handler sees to that, by `Call.known`.
   */
  readonly fresh?: boolean | "proven" | ((raw: Json) => boolean);
  readonly handler: (call: Call<A, B>) => Promise<unknown>;
};

/** What `/openapi.json` is made from. */
export type Documented = {
  readonly method: string;
  readonly url: string;
  readonly access: Access;
  readonly summary: string;
  readonly body: z.ZodType | null;
  /** The body is a form. */
  readonly form?: boolean;
};

const PEOPLES: ReadonlySet<Access> = new Set(["person", "operator", "reader", "admin", "auditor"]);

/** Who was authenticated for a request that is being handled. */
const callers = new WeakMap<FastifyRequest, Found<Access>>();

/** Registers routes and remembers them for the OpenAPI document, so that the two cannot differ. */
export class Routes {
  readonly documented: Documented[];
  readonly #app: FastifyInstance;
  readonly #house: Guarding;

  /** `documented` is that of other routes, where these stand in a part of the server of their own. */
  constructor(app: FastifyInstance, house: Guarding, documented: Documented[] = []) {
    this.documented = documented;
    this.#app = app;
    this.#house = house;
  }

  add<A extends Access, B = undefined>(spec: RouteSpec<A, B>): void {
    this.documented.push({
      method: spec.method,
      url: spec.url,
      access: spec.access,
      summary: spec.summary,
      body: spec.body ?? spec.documents ?? null,
      form: spec.form === true,
    });
    this.#app.route({
      method: spec.method,
      url: spec.url,
      // Before the body is read: who may not call has nothing parsed.
      onRequest: async (request) => {
        checkMediaType(request.headers["content-type"], spec.form === true);
        const fresh = spec.fresh ?? ((spec.method === "POST" && PEOPLES.has(spec.access)) || spec.access === "scim");
        callers.set(request, await this.#caller(request, spec.access, fresh));
      },
      handler: (request, reply) => {
        this.#answer(spec, request, reply)
          .then((answer) => {
            if (answer instanceof Later) answer.sendTo(reply);
            else if (!reply.sent) void reply.send(answer);
          })
          .catch((error: unknown) => void reply.send(error));
      },
    });
  }

  async #caller<A extends Access>(
    request: FastifyRequest,
    access: A,
    fresh: NonNullable<RouteSpec<A, unknown>["fresh"]>,
  ): Promise<Found<Access>> {
    const house = this.#house;
    if (access !== "gate" && fresh === "proven") return authenticateKnown(house, request, access);
    if (access !== "gate" && fresh === true)
      return { who: await authenticateFresh(house, request, access), known: null };
    if (fresh === true) await house.fresh?.();
    return { who: await authenticate(house, request, access), known: null };
  }

  async #answer<A extends Access, B>(
    spec: RouteSpec<A, B>,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<unknown> {
    const { who, known } = callers.get(request) as Found<A>;
    const raw = (request.body ?? {}) as Json;
    if (typeof spec.fresh === "function" && this.#house.fresh !== null && spec.fresh(raw)) {
      await this.#house.fresh();
      await assertStanding(this.#house, request);
    }
    // Without a schema the body is `undefined` by its type, or read from `raw` by core's own parser.
    const body = spec.body === undefined ? (undefined as B) : parseBody(spec.body, raw);
    const params = request.params as Record<string, string>;
    const query = singles(request.query as Record<string, string | string[]>);
    return tracedRoute(spec, reply, () => spec.handler({ who, known, body, raw, params, query, request, reply }));
  }
}

/** Parses with zod and names the first wrong member the way core does. */
export function parseBody<B>(schema: z.ZodType<B>, raw: Json): B {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path =
    issue === undefined ? [] : [...issue.path, ...(issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [])];
  const pointer = path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  throw new InputError({
    code: "question_invalid",
    message: `\`${pointer || "/"}\`: ${issue?.message ?? "not understood"}`,
    pointer,
  });
}

function singles(query: Record<string, string | string[]>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  );
}

/** A whole number from the query between two bounds, or its default. */
export function wholeNumber(
  text: string | undefined,
  name: string,
  bounds: { min: number; max: number; fallback: number },
): number {
  if (text === undefined) return bounds.fallback;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= bounds.min && value <= bounds.max)) {
    throw new InputError({
      code: "question_invalid",
      message: `\`${name}\` is a whole number from ${bounds.min} to ${bounds.max}`,
      pointer: `/${name}`,
    });
  }
  return value;
}
