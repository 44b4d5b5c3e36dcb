import { EFFECTS, openFindings, quoted } from "../../core/risk/index.ts";
import type { Classification, Effect, Findings, RequestRule } from "../../core/risk/index.ts";
import { hostKind } from "./host.ts";
import { matchRule } from "./rules.ts";
import { parseUrl } from "./url.ts";
import type { PlainUrl } from "./url.ts";

/** A request that a gate would send. `headers` are names alone: their values may be secrets. */
export type HttpRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers?: readonly string[];
  /** The body's text, or its length in bytes where the gate does not show it. */
  readonly body?: string | number;
};

/** Headers of a request. */
const HEADERS_MAX = 256;

/**
 * What an HTTP request does. Only GET and HEAD, without a body, at a host, path and query that the operator declared as
 * reading can pass; whatever else goes out is network, and opaque where nobody declared it.
 */
export function classifyHttp(request: HttpRequest, rules: readonly RequestRule[]): Classification {
  const found = openFindings();
  const { method, url: written } = request;
  const url = parseUrl(written, found);
  judgeMethod(request, found);
  judgeHeaders(request.headers ?? [], found);
  if (url === null) {
    found.effect("network", "It sends a request to a place that could not be read.");
    return found.done();
  }
  found.name("http_hosts", url.host);
  found.name("http_methods", method);
  const rule = url.plain ? matchRule(rules, method, url) : undefined;
  judgeHost(url, rule, found);
  if (rule === undefined) {
    found.effect("network", `Nobody declared ${quoted(`${method} ${url.host}${url.path}`)}.`);
    found.opaque(`Nobody declared ${quoted(`${method} ${url.host}${url.path}`)}.`);
    return found.done();
  }
  if (!rule.effects.some((effect) => EFFECTS.includes(effect))) found.opaque("The declaration names no effect.");
  return declared(rule, found);
}

function declared({ effects, path }: RequestRule, found: Findings): Classification {
  const because = (effect: Effect): string => `The operator says that ${quoted(path)} does ${effect}.`;
  for (const effect of effects) found.effect(effect, because(effect));
  const parsed = found.done();
  return {
    ...parsed,
    effects: parsed.effects.map((one) =>
      effects.includes(one.effect) && one.effect !== "opaque"
        ? { effect: one.effect, because: because(one.effect), provenance: "operator" }
        : one,
    ),
  };
}

function judgeHost({ host, scheme }: PlainUrl, rule: RequestRule | undefined, found: Findings): void {
  const kind = hostKind(host);
  if (kind === "metadata" || (kind === "private" && rule === undefined)) {
    const why = kind === "metadata" ? "hands out credentials of the machine" : "is of a private network";
    found.effect("secret.read", `${quoted(host)} ${why}.`);
    found.trait("secret_access", `${quoted(host)} ${why}.`);
  }
  if (scheme === "http" && rule === undefined) found.trait("network_egress", "It is sent in the clear.");
}

function judgeMethod({ method, body }: HttpRequest, found: Findings): void {
  const sends = typeof body === "number" ? body !== 0 : body !== undefined && body !== "";
  if (sends) {
    found.effect("network", "The request sends a body.");
    found.trait("network_egress", "The request sends a body.");
  }
  switch (method) {
    case "GET":
    case "HEAD": // RFC 9110 §9.2.1: meant to change nothing
      return undefined;
    case "OPTIONS":
      return found.effect("network", "`OPTIONS` asks what a host offers.");
    case "POST":
    case "PUT":
    case "PATCH":
      found.effect("write", `\`${method}\` changes something.`);
      return found.trait("network_egress", `\`${method}\` sends something out.`);
    case "DELETE":
      return found.effect("delete", "`DELETE` deletes.");
    default:
      found.effect("network", `${quoted(method)} is sent.`);
      return found.opaque(`${quoted(method)} is not a method that is known; methods are upper case.`);
  }
}

/** Headers that change where a request goes, what it does, or as whom. */
const STEERING =
  /^(?:host|x-http-method|x-http-method-override|x-method-override|x-original-url|x-rewrite-url|x-forwarded-.*|forwarded|x-real-ip|x-host|upgrade|connection|transfer-encoding|proxy-.*|via|destination|x-original-host|true-client-ip|te|trailer|expect)$/;
const METADATA_HEADERS =
  /^(?:x-aws-ec2-metadata-token(?:-ttl-seconds)?|metadata|metadata-flavor|x-google-metadata-request|x-identity-header)$/;

function judgeHeaders(headers: readonly string[], found: Findings): void {
  if (headers.length > HEADERS_MAX) found.opaque(`The request has more than ${HEADERS_MAX} headers.`);
  for (const written of headers.slice(0, HEADERS_MAX)) {
    const name = written.slice(0, 256).toLowerCase();
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name) || name.length === 256)
      found.opaque(`${quoted(written)} is no header's name.`);
    if (STEERING.test(name)) {
      found.opaque(`The header ${quoted(name)} changes what the request does or where it goes.`);
      found.trait("obfuscated", `The header ${quoted(name)} changes what the request does or where it goes.`);
    }
    if (METADATA_HEADERS.test(name))
      found.effect("secret.read", `The header ${quoted(name)} asks a machine for credentials.`);
    if (name === "authorization" || name === "cookie") found.name("http_credentials", name);
  }
}
