import type { Effect, Fact, FoundEffect, Span, Trait, TraitId } from "../../core/risk/index.ts";
import {
  COMMANDS_MAX,
  EMBEDDED_MAX,
  EVIDENCE_MAX,
  FACT_CHARS_MAX,
  FACT_LIST_MAX,
  NESTED_CHARS_MAX,
  QUOTED_CHARS_MAX,
  REASONS_MAX,
} from "./limits.ts";
import type { Embedded, ShellClassification } from "./embedded.ts";

/** A classification in the making. Nothing that was added is ever taken back, which is what makes it monotone. */
export class Draft {
  readonly #effects = new Map<Effect, FoundEffect[]>();
  readonly #traits = new Map<TraitId, Trait[]>();
  readonly #opaque = new Set<string>();
  readonly #embedded: Embedded[] = [];
  readonly #names = new Map<string, Set<string>>();
  #commands = 0;
  #chars = 0;

  effect(effect: Effect, because: string, span: Span): void {
    add(this.#effects, effect, { effect, because, provenance: "parsed", span });
  }

  trait(id: TraitId, because: string, span: Span): void {
    add(this.#traits, id, { id, because, span });
  }

  /** Says why something was not understood. */
  opaque(reason: string, span: Span): void {
    if (this.#opaque.size < REASONS_MAX) this.#opaque.add(reason);
    this.effect("opaque", reason, span);
  }

  /** A part for the classifier of its kind; until that has spoken, it is opaque. */
  embed(part: Embedded): void {
    if (this.#embedded.length >= EMBEDDED_MAX)
      this.opaque("It holds more commands for other classifiers than are looked at.", part.span);
    else this.#embedded.push(part);
  }

  /** Adds to one of the facts that are sets of names. */
  name(fact: "commands" | "pathsWritten" | "pathsDeleted" | "hosts", value: string): void {
    const names = this.#names.get(fact) ?? new Set<string>();
    this.#names.set(fact, names);
    if (names.size < FACT_LIST_MAX && value !== "") names.add(value.slice(0, FACT_CHARS_MAX));
  }

  /** Counts a command; false when there are too many to look at any more. */
  count(): boolean {
    this.#commands += 1;
    return this.#commands <= COMMANDS_MAX;
  }

  /** Counts text that is to be read as a program; false when there is too much of it. */
  spend(chars: number): boolean {
    this.#chars += chars;
    return this.#chars <= NESTED_CHARS_MAX;
  }

  finish(whole: Span): ShellClassification {
    if (this.#commands > COMMANDS_MAX) this.opaque(`It runs more than ${COMMANDS_MAX} commands.`, whole);
    if (this.#commands > 1) this.trait("multiple", `It runs ${this.#commands} commands.`, whole);
    const secret = this.#effects.get("secret.read")?.[0];
    const network = this.#effects.get("network")?.[0] ?? this.#embedded.find(({ kind }) => kind === "http");
    if (secret !== undefined && network !== undefined) {
      this.trait(
        "exfiltration",
        `What it reads may leave: ${secret.because} ${network.because}`,
        network.span ?? whole,
      );
    }
    const embedded = this.#embedded;
    for (const part of embedded) this.effect("opaque", part.because, part.span);
    if (this.#effects.size === 0) this.effect("read", "It does nothing that outlasts it.", whole);
    return {
      effects: [...this.#effects.values()].flat(),
      facts: this.#facts(),
      opaque: [...new Set([...this.#opaque, ...embedded.map((part) => part.because)])],
      traits: [...this.#traits.values()].flat(),
      embedded,
    };
  }

  #facts(): Fact[] {
    return [...this.#names].map(([name, values]) => ({ name, value: [...values].sort(), provenance: "parsed" }));
  }
}

function add<Key, Value extends { readonly because: string; readonly span?: Span }>(
  found: Map<Key, Value[]>,
  key: Key,
  value: Value,
): void {
  const known = found.get(key);
  if (known === undefined) found.set(key, [value]);
  else if (known.length < EVIDENCE_MAX && !known.some((one) => one.because === value.because)) known.push(value);
}

/** The agent's words within a sentence: shortened, and with what cannot be seen written out. */
export function shown(text: string): string {
  const short = text.length > QUOTED_CHARS_MAX ? `${text.slice(0, QUOTED_CHARS_MAX)}…` : text;
  const visible = short.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}`]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
  return `\`${visible}\``;
}
