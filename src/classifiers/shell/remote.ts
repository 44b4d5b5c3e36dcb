import { shown } from "./draft.ts";
import { grammar, readArguments } from "./grammar.ts";
import { DONE, literal } from "./leaf.ts";
import type { Done, Handler, Leaf } from "./leaf.ts";
import { contact, hostIn } from "./touch.ts";

/** Commands that act elsewhere: on another machine, in a container. */
export const REMOTE_COMMANDS: readonly (readonly [string, Handler])[] = [
  ["ssh", ssh],
  ["slogin", ssh],
  ["docker", container],
  ["podman", container],
  ["nerdctl", container],
  ["docker-compose", container],
];

const SSH = grammar(
  "-46AaCfGgKkMNnqsTtVvXxYy -b: -B: -c: -D: -e: -E:write -F:read -I: -i: -J: -L: -l: -m: -O: -o: -p: -Q: -R: -S: -w: -W:",
);

function ssh(leaf: Leaf): Done | null {
  const { args, draft, span, script } = leaf;
  if (args.length === 1 && args[0]?.value === "-V") return null;
  const { flags, operands, problem } = readArguments(SSH, args, true);
  const [host, ...command] = operands;
  contact(
    leaf,
    host?.value == null ? null : hostIn(host.value),
    `It signs in to ${host?.value == null ? "a machine that is not known" : shown(host.value)}.`,
  );
  draft.trait("remote_target", "It acts on another machine.", span);
  draft.effect("execute", "It runs a command on another machine.", span);
  if (problem !== null || host?.value == null)
    draft.opaque("It signs in to a machine in a way that is not known.", span);
  // Settings such as ProxyCommand start programs here.
  const starts = flags.find(
    ({ name, value }) =>
      name === "-o" &&
      !/^(?:BatchMode|ConnectTimeout|StrictHostKeyChecking|UserKnownHostsFile|LogLevel|ServerAlive\w+|Port|User|IdentitiesOnly)=/i.test(
        value?.value ?? "",
      ),
  );
  if (starts !== undefined) draft.opaque("A setting of `ssh` may start a program here.", span);
  if (flags.some(({ name }) => /^-[DLRwW]$/.test(name)))
    draft.trait("network_egress", "It opens a way through for other traffic.", span);
  if (flags.some(({ name }) => name === "-R")) draft.trait("persistence", "It opens a way back in.", span);
  const words = literal(command);
  if (words === null) draft.opaque("The command on the other machine is not known.", span);
  else if (words.length > 0) script.shell(leaf, words.join(" "));
  else draft.opaque("What is typed on the other machine is not known.", span);
  return DONE;
}

const EXEC = grammar(
  "-ditT -e: -u: -w: --detach --interactive --tty --privileged --env: --env-file: --user: --workdir: --index: --no-TTY",
);

/** `docker exec CONTAINER COMMAND` and `docker run IMAGE COMMAND`: the command counts beside what the tables say. */
function container(leaf: Leaf): null {
  const { args, draft, span, script } = leaf;
  const place = args.findIndex(({ value }) => value === "exec" || value === "run");
  const sub = args[place]?.value;
  if (place < 0 || sub == null) return null;
  draft.effect("execute", `It runs a command in a container.`, span);
  draft.trait("remote_target", "It runs a command in a container.", span);
  const rest = args.slice(place + 1);
  if (sub === "exec") {
    const { operands, problem } = readArguments(EXEC, rest, true);
    if (problem !== null || operands[0]?.value == null)
      draft.opaque("It runs a command in a container in a way that is not known.", span);
    if (operands.length > 1) script.run(leaf, operands.slice(1));
    return null;
  }
  // The image stands somewhere behind the flags: whatever could be a command behind it counts.
  for (let at = 1; at < rest.length; at += 1) {
    const word = rest[at];
    if (word?.value != null && /^\/?[\w./-]+$/.test(word.value) && !(rest[at - 1]?.value ?? "-").startsWith("-")) {
      script.run(leaf, rest.slice(at));
      break;
    }
  }
  return null;
}
