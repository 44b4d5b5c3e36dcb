import { ACCESS_LEVELS } from "./access-levels.ts";

/** AWS's published access levels: Read, List, Write, Tagging, Permissions management. */
export type AccessLevel = "R" | "L" | "W" | "T" | "P";

/** One IAM action, `service:Name`, with its published level. */
export type IamAction = { readonly service: string; readonly name: string; readonly level: AccessLevel };

/** The published actions of all services; a service is unpacked when it is first asked for. */
export type ActionTable = {
  readonly has: (service: string) => boolean;
  /** The action whose name is the CLI operation without hyphens, whatever its capitals; undefined when there is none. */
  readonly find: (service: string, operation: string) => IamAction | undefined;
};

/** Opens the generated table. */
export function openActions(): ActionTable {
  const packed = new Map(ACCESS_LEVELS.flatMap((pair) => pair.split("\n")).map((line) => splitOnce(line, " ")));
  const opened = new Map<string, ReadonlyMap<string, IamAction>>();
  return {
    has: (service) => packed.has(service),
    find: (service, operation) => {
      const line = packed.get(service);
      if (line === undefined) return undefined;
      const actions = opened.get(service) ?? unpack(service, line);
      opened.set(service, actions);
      return actions.get(keyOf(operation));
    },
  };
}

/** `describe-db-instances` and `DescribeDBInstances` have the same key. */
function keyOf(name: string): string {
  return name.replaceAll("-", "").toLowerCase();
}

function unpack(service: string, line: string): ReadonlyMap<string, IamAction> {
  const actions = new Map<string, IamAction>();
  for (const part of line.split(" ")) {
    const [letter, tree] = splitOnce(part, "=");
    for (const name of namesOf(tree)) actions.set(keyOf(name), { service, name, level: levelOf(letter) });
  }
  return actions;
}

function levelOf(letter: string): AccessLevel {
  switch (letter) {
    case "R":
    case "L":
    case "T":
    case "P":
      return letter;
    default:
      return "W";
  }
}

/** All names of a tree such as `Get{Bucket{Acl,Policy},Object}`. */
function namesOf(tree: string): string[] {
  const names: string[] = [];
  const stems: string[] = [];
  let stem = "";
  let start = 0;
  const close = (end: number): void => {
    // After `}` there is nothing of its own to add: the branches inside were names already.
    if (tree[end - 1] !== "}") names.push(stem + tree.slice(start, end));
    start = end + 1;
  };
  for (let at = 0; at < tree.length; at += 1) {
    const char = tree[at];
    if (char === "{") {
      stems.push(stem);
      stem += tree.slice(start, at);
      start = at + 1;
    } else if (char === ",") close(at);
    else if (char === "}") {
      close(at);
      stem = stems.pop() ?? "";
    }
  }
  if (start < tree.length) close(tree.length);
  return names;
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + mark.length)];
}
