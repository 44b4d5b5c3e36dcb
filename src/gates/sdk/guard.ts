import { canonicalize, copyJson, commitSecrets, isJsonObject } from "../../core/action/index.ts";
import type { Json, JsonObject, Question, Resource, Subject } from "../../core/action/index.ts";
import type { Client, Task } from "../../client/index.ts";
import { Denied } from "./errors.ts";
import { perform } from "./perform.ts";
import { restored } from "./restore.ts";
import { orStopped, stopOf } from "./stop.ts";

/** Something fixed, or made from the very parameters that will run. */
export type From<A extends readonly unknown[], T> = T | ((...args: A) => T);

export type GuardOptions<A extends readonly unknown[], R> = {
  /** What it is called, such as `customers.export`: the name in the operator's catalogue and policies. */
  readonly action: string;
  readonly resource: From<A, Resource>;
  /** Where it runs, such as `production`; by default what `connect` was given. */
  readonly environment?: string;
  /** What it does, such as `["export"]`. It may add to what the operator's catalogue says, never take away. */
  readonly effects?: readonly string[];
  /** What is known of it, such as `{ rows: 12000 }`; numbers are whole. */
  readonly facts?: From<A, JsonObject>;
  /** Why, for the people who decide: shown to them as a claim. */
  readonly reason?: From<A, string>;
  /** The people behind the action, who may not approve it. */
  readonly onBehalfOf?: From<A, string | readonly string[]>;
  /** Parameters whose values must not leave: names of members of the one object, or RFC 6901 pointers such as `/args/1`. */
  readonly secrets?: readonly string[];
  /**
   * The function may be called with other parameters of the same shape than its caller gave: policy may then let a stricter
   * call through in the place of one that it would refuse, such as one with a lower limit. Without it that is a denial.
   */
  readonly takesModified?: boolean;
  /** What the agent was asked to do, and the conversation that this belongs to: both are claims. */
  readonly prompt?: From<A, string>;
  readonly session?: From<A, string>;
  /** How long a call may wait before it runs, people included; without it, until its request expires. */
  readonly timeoutMs?: number;
  /** Told when a call is held, and of every change while it is. */
  readonly onHeld?: (task: Task) => void;
  /** What to report of a result beside its duration, such as `{ rows: 12000 }`; no secrets. */
  readonly report?: (result: Awaited<R>) => JsonObject;
};

/** What one call may say for itself. */
export type GuardCallOptions = {
  /** Gives the call up: its request is withdrawn and the function never runs, even if the approval arrives that moment. */
  readonly signal?: AbortSignal;
  readonly reason?: string;
  readonly onHeld?: (task: Task) => void;
};

/** The function, held where policy says so: same parameters, always a promise. */
export type Guarded<A extends readonly unknown[], R> = ((...args: A) => Promise<Awaited<R>>) & {
  /** The same function for one call with a signal or a reason: `guarded.with({ signal })(…args)`. */
  with(options: GuardCallOptions): (...args: A) => Promise<Awaited<R>>;
};

/** What every guard of one connection shares. */
export type GuardContext = {
  readonly client: Client;
  readonly environment: string | undefined;
  readonly ledgerKey: string | undefined;
  readonly onReceipt: ((receipt: string) => void) | undefined;
  readonly subject: () => Promise<Subject>;
  /** The key of the commitments that stand for secrets. */
  readonly secretKey: Uint8Array;
  readonly onWarning: (warning: Error) => void;
};

/** Puts a function behind the server's decision. */
export function createGuard<A extends readonly unknown[], R>(
  context: GuardContext,
  fn: (...args: A) => R,
  options: GuardOptions<A, R>,
): Guarded<A, R> {
  const call = (own: GuardCallOptions, given: A): Promise<Awaited<R>> => {
    // Copied before anything is awaited: what the caller does to its objects from here on changes nothing.
    const args = frozen(withoutTrailingUndefined(given));
    return attempt<A, R>(context, { fn, options, own, args });
  };
  // A refused parameter is a rejection like any other.
  const guarded = async (...given: A): Promise<Awaited<R>> => call({}, given);
  const withOptions = (own: GuardCallOptions): ((...args: A) => Promise<Awaited<R>>) => {
    return async (...given: A): Promise<Awaited<R>> => call(own, given);
  };
  return Object.assign(guarded, { with: withOptions });
}

type Attempt<A extends readonly unknown[], R> = {
  readonly fn: (...args: A) => R;
  readonly options: GuardOptions<A, R>;
  readonly own: GuardCallOptions;
  /** The frozen copy: the only parameters there are from now on. */
  readonly args: A;
};

async function attempt<A extends readonly unknown[], R>(
  context: GuardContext,
  { fn, options, own, args }: Attempt<A, R>,
): Promise<Awaited<R>> {
  const resource = frozen(valueOf(options.resource, args));
  const action = { name: options.action, properties: propertiesOf(context, args, options.secrets ?? []) };
  const people = options.onBehalfOf === undefined ? undefined : frozen(valueOf(options.onBehalfOf, args));
  const claims = frozen(claimsOf(context, options, own, args));
  const subject = await subjectOf(context, own.signal);
  const { report } = options;
  return perform<R>({
    client: context.client,
    question: {
      subject: people === undefined ? subject : { ...subject, properties: { on_behalf_of: people } },
      action,
      resource,
      context: claims,
    },
    signal: own.signal,
    timeoutMs: options.timeoutMs,
    onHeld: own.onHeld ?? options.onHeld,
    onWarning: context.onWarning,
    ledgerKey: context.ledgerKey,
    onReceipt: context.onReceipt,
    takesModified: options.takesModified,
    run: (cleared) => fn(...clearedArgs(action.properties, cleared, args)),
    ...(report === undefined
      ? {}
      : { outcomeOf: (result: Awaited<R>) => ({ status: "succeeded", details: report(result) }) as const }),
  });
}

/** Asking who we are may take as long as a server's restart; giving up does not wait for it. */
async function subjectOf(context: GuardContext, signal: AbortSignal | undefined): Promise<Subject> {
  const stop = stopOf(signal, undefined);
  try {
    return await orStopped(
      () => context.subject(),
      stop.signal,
      () => undefined,
    );
  } finally {
    stop.release();
  }
}

/** One plain object is the parameters; anything else is a list of them. */
function ownProperties(args: readonly unknown[]): JsonObject {
  const copy = copyJson(args);
  const only: Json | undefined = Array.isArray(copy) && copy.length === 1 ? copyJson(args[0]) : undefined;
  return isJsonObject(only) ? only : { args: copy };
}

function propertiesOf(context: GuardContext, args: readonly unknown[], secrets: readonly string[]): JsonObject {
  return commitSecrets(ownProperties(args), secrets, context.secretKey);
}

/** The parameters that were cleared: the caller's own, or those of the stricter action with the secrets put back. */
function clearedArgs<A extends readonly unknown[]>(told: JsonObject, { action }: Question, args: A): A {
  const changed = action.properties ?? {};
  if (canonicalize(changed) === canonicalize(told)) return args;
  const own = ownProperties(args);
  const properties = restored(changed, told, own);
  const isOne = args.length === 1 && isJsonObject(copyJson(args[0]));
  const list: Json | undefined = isJsonObject(properties) ? properties["args"] : undefined;
  const given: unknown = isOne ? [properties] : list;
  const isWhole = isOne || (isJsonObject(properties) && Object.keys(properties).length === 1 && Array.isArray(list));
  if (isWhole) return frozen(given) as A; // of the shape that the tool said it takes
  const because = "policy changed parameters that this function does not have";
  throw new Denied({ code: "modified_not_taken", because });
}

function claimsOf<A extends readonly unknown[], R>(
  context: GuardContext,
  options: GuardOptions<A, R>,
  own: GuardCallOptions,
  args: A,
): object {
  const facts = options.facts === undefined ? undefined : valueOf(options.facts, args);
  const reason = own.reason ?? (options.reason === undefined ? undefined : valueOf(options.reason, args));
  const declared =
    options.effects === undefined && facts === undefined ? undefined : { effects: options.effects, facts };
  const prompt = options.prompt === undefined ? undefined : valueOf(options.prompt, args);
  const session = options.session === undefined ? undefined : valueOf(options.session, args);
  return { environment: options.environment ?? context.environment, reason, declared, prompt, session };
}

/** A copy that nobody can change, of the same shape; what is no plain data is refused (`json_not_data`). */
function frozen<T>(value: T): T {
  const copy: unknown = copyJson(value);
  return copy as T;
}

function valueOf<A extends readonly unknown[], T>(from: From<A, T>, args: A): T {
  return isMaker(from) ? from(...args) : from;
}

function isMaker<A extends readonly unknown[], T>(from: From<A, T>): from is (...args: A) => T {
  return typeof from === "function";
}

/** A parameter that was left out and one that is undefined are the same. */
function withoutTrailingUndefined<A extends readonly unknown[]>(args: A): A {
  let { length } = args;
  while (length > 0 && args[length - 1] === undefined) length -= 1;
  const kept: readonly unknown[] = args.slice(0, length);
  return kept as A;
}
