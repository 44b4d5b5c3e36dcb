import { quoted } from "../../core/risk/index.ts";
import type { Findings } from "../../core/risk/index.ts";
import { isSecretPath } from "./words.ts";
import type { Option, Word } from "./words.ts";

/** Options that stand before the service, and whether they take a value. */
export const GLOBAL_OPTIONS: ReadonlyMap<string, boolean> = new Map([
  ...["--debug", "--no-verify-ssl", "--no-paginate", "--no-sign-request", "--no-cli-pager", "--cli-auto-prompt"].map(
    off,
  ),
  ...["--no-cli-auto-prompt", "--version", "--v2-debug"].map(off),
  ...["--endpoint-url", "--output", "--query", "--profile", "--region", "--color", "--ca-bundle"].map(on),
  ...["--cli-read-timeout", "--cli-connect-timeout", "--cli-binary-format", "--cli-error-format"].map(on),
]);

/** Hosts that the CLI talks to by itself. */
const AWS_HOST = /^https:\/\/(?:[a-z0-9-]+\.)+(?:amazonaws\.com(?:\.cn)?|api\.aws|aws\.dev)(?:\/|$)/;
const REGION = /^[a-z]{2,4}(?:-[a-z0-9]+){0,4}$|^global$/;

/** An ARN of a role or an instance profile: naming one in a change hands its rights to something. */
const ROLE_ARN = /:iam:[^:]*:[^:]*:(?:role|instance-profile)\//;
const ROLE_OPTION = /role|instance-profile/;

/**
 * What the options of any call add. Options may be cut short as long as they stay unique, so that every beginning of a
 * dangerous one counts as it.
 */
export function judgeOptions(options: readonly Option[], found: Findings): void {
  for (const { name, values } of options) {
    const text = values.find((value) => value !== null);
    if (isCut(name, "--endpoint-url", 5)) endpoint(text, found);
    if (isCut(name, "--no-verify-ssl", 6) || isCut(name, "--ca-bundle", 4)) {
      found.opaque("The server's certificate is not checked the usual way, so that nobody knows who answers.");
    }
    if (isCut(name, "--debug", 4)) {
      found.effect("secret.read", "`--debug` prints signed headers and session tokens.");
      found.trait("secret_access", "`--debug` prints session tokens.");
    }
    if (isCut(name, "--cli-input-json", 11) || isCut(name, "--cli-input-yaml", 11)) {
      found.opaque("`--cli-input-json` brings parameters that stand elsewhere.");
    }
    if (name === "--profile" && text !== undefined) found.fact("aws_profile", text);
    if (name === "--region") region(text, found);
    if (name === "--") found.opaque("What follows `--` is not read.");
    for (const value of values) if (value !== null) judgeValue(value, found);
  }
}

/** The role that a change hands over, when one does. */
export function roleOf(options: readonly Option[]): string | undefined {
  const byName = options.find(({ name }) => ROLE_OPTION.test(name) && !name.includes("session-name"));
  if (byName !== undefined) return byName.name;
  return options.find(({ values }) => values.some((value) => value !== null && ROLE_ARN.test(value)))?.name;
}

/** Whether an option is another one, whole or cut to at least so many characters. */
export function isCut(name: string, whole: string, charsMin: number): boolean {
  return name === whole || (name.length >= charsMin && whole.startsWith(name));
}

function endpoint(text: Word | undefined, found: Findings): void {
  const where = text === undefined || text === null ? "an unknown host" : quoted(text);
  found.effect("network", `The signed request goes to ${where} instead of AWS.`);
  found.trait("network_egress", `The signed request goes to ${where}.`);
  found.opaque("Another endpoint may do anything with the request.");
}

function region(text: Word | undefined, found: Findings): void {
  if (text !== undefined && text !== null && REGION.test(text)) found.fact("aws_region", text);
  // The region becomes a part of the host name.
  else found.opaque("The region is not of the form of a region.");
}

function judgeValue(value: string, found: Findings): void {
  const file = /^fileb?:\/\/(.*)$/su.exec(value)?.[1];
  if (file !== undefined) {
    found.effect("network", `The local file ${quoted(file)} is sent as a parameter.`);
    found.trait("file_access", `The local file ${quoted(file)} is read and sent.`);
    if (isSecretPath(file)) {
      found.effect("secret.read", `${quoted(file)} looks like a credential.`);
      found.trait("exfiltration", `${quoted(file)} looks like a credential and is sent.`);
    }
  }
  // Version 1 of the CLI fetches parameters from URLs, and older ones send the request to the host of a queue's URL.
  if (/^https?:\/\//i.test(value) && !AWS_HOST.test(value)) {
    found.effect("network", `The command names the host of ${quoted(value)}.`);
    found.opaque("A parameter is a URL outside AWS, which some versions fetch.");
  }
}

function on(name: string): [string, boolean] {
  return [name, true];
}

function off(name: string): [string, boolean] {
  return [name, false];
}
