import { openFindings, quoted } from "../../core/risk/index.ts";
import type { Classification, Findings } from "../../core/risk/index.ts";
import type { ActionTable, IamAction } from "./actions.ts";
import { actionsOf, API_GATEWAY_READS, ownCommand, prefixesOf } from "./aws-commands.ts";
import { judgeAction, judgeVerb, passesRole } from "./aws-judge.ts";
import { listed, WRITES_FILE } from "./aws-lists.ts";
import { GLOBAL_OPTIONS, isCut, judgeOptions, roleOf } from "./aws-options.ts";
import { judgeS3 } from "./aws-s3.ts";
import { splitWords, tellUnknownWords, withinLimits } from "./words.ts";
import type { Option, Word } from "./words.ts";

/** A call as the CLI reads it: `aws [global options] SERVICE OPERATION rest`. */
type Call = {
  readonly service: string;
  readonly operation: string;
  readonly rest: readonly Word[];
  readonly bare: readonly Word[];
  readonly options: readonly Option[];
};

/**
 * What a command line of the AWS CLI does, of its words after `aws`. The operation becomes IAM actions, whose published
 * level and our lists decide; an operation that maps to no published action is opaque.
 */
export function classifyAws(words: readonly Word[], actions: ActionTable): Classification {
  const found = openFindings();
  if (!withinLimits(words, found)) return found.done();
  tellUnknownWords(words, found);
  const call = parse(words, found);
  if (call !== null) judgeCall(call, actions, found);
  return found.done();
}

function parse(words: readonly Word[], found: Findings): Call | null {
  const names: string[] = [];
  const before: Option[] = [];
  let at = 0;
  for (; at < words.length && names.length < 2; at += 1) {
    const word = words[at];
    if (word === undefined || word === null) return null;
    if (!word.startsWith("-")) {
      names.push(word);
      continue;
    }
    const [name = word] = word.split("=", 1);
    const valued = GLOBAL_OPTIONS.get(name);
    if (valued === undefined) found.opaque(`${quoted(word)} is not an option of \`aws\`.`);
    const apart = valued === true && !word.includes("=");
    before.push({
      name,
      values: apart ? [words[at + 1] ?? null] : word.includes("=") ? [word.slice(name.length + 1)] : [],
    });
    if (apart) at += 1;
  }
  const [service, operation = ""] = names;
  const { bare, options } = splitWords(words.slice(at));
  const all = [...before, ...options];
  judgeOptions(all, found);
  if (service !== undefined) return { service, operation, rest: words.slice(at), bare, options: all };
  if (all.some(({ name }) => name === "--version")) found.effect("read", "It prints the version.");
  else found.opaque("`aws` is called without a service.");
  return null;
}

function judgeCall(call: Call, actions: ActionTable, found: Findings): void {
  const { service, operation, rest } = call;
  const what = quoted(`aws ${service} ${operation}`.trim());
  if (service === "help" || operation === "help") return found.effect("read", `${what} shows help.`);
  if (service === "configure" && operation === "get") return judgeConfigureGet(call, found);
  if (service === "history") return found.effect("secret.read", `${what} shows earlier calls and their answers.`);
  const own = ownCommand(service, operation);
  if (own !== undefined) {
    for (const effect of own.effects) found.effect(effect, own.because);
    for (const trait of own.traits) found.trait(trait, own.because);
    for (const action of iamActions(service, operation, prefixesOf(service), actions)) judgeAction(action, found);
    return undefined;
  }
  if (service === "s3" && judgeS3(operation, rest, found)) return undefined;
  const prefixes = prefixesOf(service).filter((prefix) => actions.has(prefix));
  if (prefixes.length === 0) return found.opaque(`${quoted(service)} is not a service that is known.`);
  if (operation === "wait") return judgeWait(call, found);
  return judgeOperation(call, prefixes, actions, found);
}

function judgeOperation(call: Call, prefixes: readonly string[], actions: ActionTable, found: Findings): void {
  const { service, operation, options, bare } = call;
  const what = quoted(`aws ${service} ${operation}`);
  const needed = iamActions(service, operation, prefixes, actions);
  if (prefixes.includes("apigateway") && API_GATEWAY_READS.has(operation)) found.effect("read", `${what} only reads.`);
  else if (needed.length === 0) {
    found.opaque(`${what} is not an operation that is known.`);
    judgeVerb(operation, `${service} ${operation}`, found);
    if (/token|secret|password|credential|api-key|access-key/.test(operation)) {
      found.effect("secret.read", `The name of ${what} speaks of credentials.`);
    }
  }
  for (const action of needed) judgeAction(action, found);
  judgeDetails(call, found);
  const changes = needed.length === 0 || needed.some(({ level }) => level !== "R" && level !== "L");
  // In IAM and STS an option names the role that is acted on, and the action itself says how grave that is.
  const handsOver = changes && service !== "iam" && service !== "sts";
  const role = handsOver ? roleOf(options) : undefined;
  if (role !== undefined) passesRole(`${quoted(role)} hands a role to what is changed.`, found);
  // `logs tail` takes the name of its group; any other bare word is the file that the answer goes to.
  const names = service === "logs" && operation === "tail" ? 1 : 0;
  if (listed(WRITES_FILE, service, operation) || bare.length > names) {
    found.effect("write", `${what} writes its answer to a local file.`);
  }
}

function iamActions(
  service: string,
  operation: string,
  prefixes: readonly string[],
  actions: ActionTable,
): IamAction[] {
  const renamed = actionsOf(service, operation).map((id) => id.split(":"));
  const found = renamed.map(([prefix = "", name = ""]) => actions.find(prefix, name));
  // The same name under several prefixes: all of them count, so that the gravest decides.
  const direct = prefixes.map((prefix) => actions.find(prefix, operation));
  return [...found, ...direct].filter((action) => action !== undefined);
}

/** Answers that hold a secret only when a parameter asks for it. */
function judgeDetails({ service, operation, options }: Call, found: Findings): void {
  const values = options.flatMap((option) => option.values);
  const asked =
    (service === "ssm" && options.some(({ name }) => isCut(name, "--with-decryption", 4))) ||
    (service.startsWith("apigateway") && options.some(({ name }) => name.startsWith("--include"))) ||
    (service.startsWith("apigateway") && operation.startsWith("get-api-key")) ||
    (operation === "describe-instance-attribute" && values.some((value) => value === null || /userdata/i.test(value)));
  if (!asked) return;
  found.effect("secret.read", "The answer holds a secret in the clear.");
  found.trait("secret_access", "The answer holds a secret in the clear.");
}

function judgeWait({ rest, service }: Call, found: Findings): void {
  const waiter = rest[0] ?? "";
  if (/^[a-z][a-z0-9-]*$/.test(waiter)) found.effect("read", `\`aws ${service} wait\` asks until a state is reached.`);
  else found.opaque("The state to wait for is not known.");
}

const PLAIN_SETTINGS: ReadonlySet<string> = new Set(["region", "output", "cli_pager", "s3.addressing_style"]);

function judgeConfigureGet({ rest }: Call, found: Findings): void {
  const [key] = rest;
  if (key !== undefined && key !== null && PLAIN_SETTINGS.has(key)) {
    found.effect("read", "`aws configure get` prints a plain setting.");
  } else {
    found.effect("secret.read", "`aws configure get` can print a key.");
    found.trait("secret_access", "`aws configure get` can print a key.");
  }
}
