import { shown } from "./draft.ts";
import { grammar, readArguments } from "./grammar.ts";
import type { Grammar } from "./grammar.ts";
import { DONE } from "./leaf.ts";
import type { Done, Leaf } from "./leaf.ts";
import { LISTING_COMMANDS } from "./listing-table.ts";
import { contact, hostIn, isLoopback } from "./touch.ts";
import type { Word } from "./word.ts";

type Service = {
  readonly commands: readonly { readonly words: readonly string[]; readonly more: boolean }[];
  readonly anything: boolean;
  readonly flags: Grammar;
  readonly needs: readonly string[];
};

/** Tools of services, by name, with what of them only lists. */
export const LISTINGS: ReadonlyMap<string, readonly Service[]> = new Map(compile());

function compile(): Map<string, Service[]> {
  const table = new Map<string, Service[]>();
  for (const row of LISTING_COMMANDS) {
    const [heads = "", commands = "", flags = "", needs = ""] = row.split("|").map((cell) => cell.trim());
    const service: Service = {
      commands: commands.split(",").map((command) => ({
        words: command
          .replace("+", "")
          .split(" ")
          .filter((word) => word !== ""),
        more: command.endsWith("+"),
      })),
      anything: commands === "*",
      flags: grammar(flags),
      needs: needs.split(" ").filter((word) => word !== ""),
    };
    for (const head of heads.split(",")) table.set(head, [...(table.get(head) ?? []), service]);
  }
  return table;
}

/** A service's tool that only lists; null when the table does not say that it does. */
export function runListing(leaf: Leaf): Done | null {
  for (const service of LISTINGS.get(leaf.head) ?? []) {
    const { flags, operands, problem } = readArguments(service.flags, leaf.args);
    if (problem !== null) continue;
    const needed = service.needs.length === 0 || flags.some(({ name }) => service.needs.includes(name));
    // A bare tool shows its help, or waits for a person: only what is listed passes.
    const bare = operands.length === 0 && flags.some(({ name }) => /^(?:--?version|--help)$/.test(name));
    if (!needed || !(bare || matches(service, operands, flags.length > 0))) continue;
    const hosts = flags.filter(({ kind }) => kind === "host").map(({ value }) => value);
    if (service.anything && leaf.head === "rsync")
      hosts.push(...operands.filter(({ value }) => value === null || /^[^/]*:/.test(value)));
    leaf.draft.effect(
      "read",
      `${shown([leaf.head, ...operands.slice(0, 2).map(({ value }) => value ?? "")].join(" ").trim())} only lists.`,
      leaf.span,
    );
    for (const word of hosts) reach(leaf, word);
    return DONE;
  }
  return null;
}

function matches({ commands, anything }: Service, operands: readonly Word[], flagged: boolean): boolean {
  if (anything) return true;
  return commands.some(({ words, more }) => {
    if (words.length === 0) return operands.length === 0 && flagged;
    const same = words.every((word, place) => operands[place]?.value?.toLowerCase() === word);
    return same && (more || operands.length === words.length);
  });
}

/** A server that is named on the command line, and that is not this machine, is a way out. */
function reach(leaf: Leaf, word: Word | null): void {
  const hosts = word?.value?.split(",").map((text) => hostIn(text)) ?? [null];
  for (const host of hosts) {
    if (host === null || !isLoopback(host))
      contact(
        leaf,
        host,
        `${shown(leaf.head)} talks to ${host === null ? "a server that is not known" : shown(host)}.`,
      );
    else leaf.draft.name("hosts", host);
  }
}
