import type { Json, JsonObject } from "./json.ts";

/** Who asks to act: AuthZEN §5.1. `properties` may name people on whose behalf; they bar, they never grant. */
export type Subject = { readonly type: string; readonly id: string; readonly properties?: JsonObject };
/** What is to be done: AuthZEN §5.3. The parameters, every one of them, are `properties`. */
export type Action = { readonly name: string; readonly properties?: JsonObject };
/** On what: AuthZEN §5.2. */
export type Resource = { readonly type: string; readonly id: string; readonly properties?: JsonObject };

/** The four of a question, parsed and limited. Members of `context` that are not named here are kept but mean nothing. */
export type Question = {
  readonly subject: Subject;
  readonly action: Action;
  readonly resource: Resource;
  readonly context: Context;
};

export type Context = {
  /** Where it runs, such as `production`: part of the digest. */
  readonly environment?: string;
  /** Why, in the agent's words: a claim, never a fact, and outside the digest. */
  readonly reason?: string;
  /** What the gate says the action does. It may add to what the operator declared, never take away. */
  readonly declared?: Declared;
  /** A granted approval to be applied (ARAP §re-evaluation). */
  readonly approval?: { readonly id: string };
  /** The session of the subject that this attempt belongs to (AARM R2). */
  readonly session?: string;
  /** What the agent was asked to do, in the words of whoever asked: a claim like the reason, and outside the digest. */
  readonly prompt?: string;
  /** `untrusted`: the gate knows that the agent has read what strangers wrote. It can raise a score, never lower one. */
  readonly provenance?: "untrusted";
};

/** What a gate declares of a structured tool call: effects by name, facts as scalars or lists of strings. */
export type Declared = {
  readonly effects?: readonly string[];
  readonly facts?: { readonly [name: string]: Json };
};

/** Bytes of the agent's reason in UTF-8. */
export const REASON_BYTES_MAX = 2048;
/** Bytes of what the agent was asked to do, in UTF-8. */
export const PROMPT_BYTES_MAX = 8192;
/** Characters of a type, name, id or environment. */
export const NAME_CHARS_MAX = 512;
