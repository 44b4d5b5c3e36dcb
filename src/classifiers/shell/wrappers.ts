import { assign } from "./assign.ts";
import { shown } from "./draft.ts";
import { grammar, readArguments } from "./grammar.ts";
import type { Grammar } from "./grammar.ts";
import { DONE, literal } from "./leaf.ts";
import type { Done, Handler, Leaf } from "./leaf.ts";
import { readContent, revealed, writeFile } from "./touch.ts";
import type { Word } from "./word.ts";

/** A command that starts another: its flags, the operands before the command, and what it adds. */
type Wrapper = {
  readonly flags: Grammar;
  readonly before: number;
  readonly adds: "nothing" | "power" | "trace" | "output";
};

/** `heads | operands before the command | flags | what it adds`. From the manuals of coreutils, util-linux, sudo, procps-ng. */
const ROWS: readonly string[] = [
  "sudo | 0 | -AbEHknPSVsi -u: -g: -h: -p: -C: -D: -R: -T: -U: -r: -t: --user: --group: --host: --prompt: --preserve-env? --non-interactive --stdin --login --shell --set-home --background --reset-timestamp | power",
  "doas | 0 | -nsL -u: -C: | power",
  "pkexec | 0 | --user: --disable-internal-agent --keep-cwd | power",
  "gosu,su-exec,setuidgid,chpst | 1 | | power",
  "runuser | 0 | -u: -g: -G: -l --user: --login -m -p | power",
  "chroot | 1 | --userspec: --groups: --skip-chdir | power",
  "unshare | 0 | -mupinUCTrcf -S: -G: -R: -w: --mount? --uts? --ipc? --net? --pid? --user? --cgroup? --time? --fork --map-root-user --mount-proc? --kill-child? --root: --wd: | power",
  "nsenter | 0 | -amuinpUCTFeZ -t: -S: -G: -r? -w? --target: --all --mount? --uts? --ipc? --net? --pid? --user? --cgroup? --time? --no-fork --preserve-credentials | power",
  "fakeroot | 0 | -u -s: -i: --unknown-is-real | nothing",
  "timeout,gtimeout | 1 | -fpv -k: -s: --kill-after: --signal: --foreground --preserve-status --verbose | nothing",
  "nice | 0 | -n: -# --adjustment: | nothing",
  "ionice | 0 | -t -c: -n: --class: --classdata: --ignore | nothing",
  "chrt | 1 | -abdfiorRv -T: -P: -D: --batch --fifo --idle --other --rr --all-tasks | nothing",
  "taskset | 1 | -ac --cpu-list --all-tasks | nothing",
  "numactl | 0 | -l --localalloc -N: -m: -C: -i: --cpunodebind: --membind: --interleave: --physcpubind: --preferred: | nothing",
  "stdbuf | 0 | -i: -o: -e: --input: --output: --error: | nothing",
  "unbuffer | 0 | -p | nothing",
  "setsid | 0 | -cfw --ctty --fork --wait | nothing",
  "setarch | 1 | -vRFZLXBIST --verbose --addr-no-randomize | nothing",
  "linux32,linux64,i386,x86_64 | 0 | -vR | nothing",
  "time,gtime | 0 | -pvaq -f: -o:write --portability --verbose --format: --output:write --append --quiet | nothing",
  "nohup | 0 | | output",
  "builtin,busybox,toybox,catchsegv,eatmydata | 0 | | nothing",
  "caffeinate | 0 | -disum -t: -w: | nothing",
  "dbus-run-session,xvfb-run | 0 | -ad -n: -s: -f: -e:write -w: --auto-servernum --server-num: --server-args: | nothing",
  "faketime | 1 | -fm | nothing",
  "cgexec | 0 | -g: --sticky | nothing",
  "prlimit | 0 | --nofile? --nproc? --as? --cpu? --core? --data? --fsize? --stack? --memlock? --rss? -n? -u? -v? -t? | nothing",
  "strace,ltrace | 0 | -fFcCdhiknqrtTvVxyzZDw -e: -a: -b: -E: -I: -o:write -O: -p: -P: -s: -S: -u: -X: --trace: --output:write --follow-forks | trace",
  "sshpass | 0 | -evV -p: -f:read -d: -P: | nothing",
  "rlwrap,proxychains,proxychains4,torsocks,firejail,bwrap | 0 | -qa | trace",
  "flock | 1 | -sxeunoFv -w: -E: -c --shared --exclusive --unlock --nonblock --close --no-fork --wait: --timeout: --conflict-exit-code: --command | nothing",
];

const TABLE: ReadonlyMap<string, Wrapper> = new Map(ROWS.flatMap((row) => compile(row)));

function compile(row: string): (readonly [string, Wrapper])[] {
  const [heads = "", before = "", flags = "", adds = ""] = row.split("|").map((cell) => cell.trim());
  const known = (["power", "trace", "output"] as const).find((one) => one === adds) ?? "nothing";
  const wrapper: Wrapper = { flags: grammar(flags), before: Number(before), adds: known };
  return heads.split(",").map((head) => [head, wrapper]);
}

/** Commands that start the command in their words. */
export const WRAPPERS: readonly (readonly [string, Handler])[] = [
  ...[...TABLE.keys()].map((head) => [head, wrap] as const),
  ["env", environment],
  ["command", command],
  ["exec", replace],
  ["su", become],
  ["watch", repeat],
  ["script", record],
  ["parallel", parallel],
  ["sem", parallel],
];

function wrap(leaf: Leaf): Done | null {
  const wrapper = TABLE.get(leaf.head);
  if (wrapper === undefined) return null;
  const { flags, operands, problem } = readArguments(wrapper.flags, leaf.args, true);
  add(leaf, wrapper.adds);
  for (const { kind, value } of flags) {
    if (value === null) continue;
    if (kind === "read") readContent(leaf, value);
    if (kind === "write") writeFile(leaf, value);
  }
  if (leaf.head === "flock" && operands[0] !== undefined) writeFile(leaf, operands[0]);
  const skipped = operands.slice(0, wrapper.before);
  if (skipped.some(({ value, splits }) => value === null && splits))
    leaf.draft.opaque(`${shown(leaf.head)} starts a command that is not known.`, leaf.span);
  const rest = operands.slice(wrapper.before);
  if (leaf.head === "flock" && rest[0]?.value === "-c") return text(leaf, rest.slice(1, 2));
  return start(leaf, rest, problem);
}

function add(leaf: Leaf, adds: Wrapper["adds"]): void {
  const { draft, span, head } = leaf;
  if (adds === "power") draft.trait("privilege_use", `${shown(head)} runs with other rights than the caller's.`, span);
  else if (adds === "trace") {
    draft.effect("execute", `${shown(head)} looks into or changes how a program runs.`, span);
    draft.trait("privilege_use", `${shown(head)} looks into or changes how a program runs.`, span);
  } else if (adds === "output") {
    draft.effect("write", `${shown(head)} may write nohup.out.`, span);
    draft.name("pathsWritten", "nohup.out");
  }
}

/** Assignments before the command, as `env` and `sudo` take them, then the command. */
function start(leaf: Leaf, words: readonly Word[], problem: string | null): Done {
  const { draft, span, script } = leaf;
  if (problem !== null) draft.opaque(`${shown(`${leaf.head} ${problem}`)} is not understood.`, span);
  let at = 0;
  const takes = leaf.head === "env" || leaf.head === "sudo" || leaf.head === "doas";
  for (; takes; at += 1) {
    const word = words[at];
    const name = /^([A-Za-z_]\w*)=/.exec(word?.value ?? word?.prefix ?? "")?.[1];
    if (name === undefined) break;
    if (word?.leaks != null) draft.opaque(`Nobody knows what ${shown(word.leaks)} holds.`, span);
    assign(draft, span, name, words[at + 1]?.value ?? "");
  }
  const rest = words.slice(at);
  if (rest.length > 0) return { files: script.run(leaf, rest, leaf.stdin) };
  if (leaf.head === "env") revealed(leaf, "`env` shows the environment, where secrets are kept.");
  else draft.opaque(`${shown(leaf.head)} starts what is not on the command line.`, span);
  return DONE;
}

const ENV = grammar("-i0v -u: -C: --ignore-environment --unset: --chdir: --null");

/** Where `-S` stands among the flags before the command; -1 when it does not. */
function splitting(words: readonly Word[]): number {
  for (let at = 0; at < words.length; at += 1) {
    const text = words[at]?.value ?? "";
    if (/^(?:-[iv0]*S|--split-string)/.test(text)) return at;
    if (!text.startsWith("-")) return -1;
    if (/^(?:-[iv0]*[uC]|--unset|--chdir)$/.test(text)) at += 1;
  }
  return -1;
}

function environment(leaf: Leaf): Done {
  const split = splitting(leaf.args);
  const value = split < 0 ? null : (leaf.args[split]?.value ?? "");
  if (value !== null) {
    // `-S` splits one word into many, by rules of its own.
    const given = value.replace(/^(?:-[iv0]*S|--split-string=?)/, "");
    const rest = literal(leaf.args.slice(split + 1));
    leaf.draft.opaque("`env -S` splits a word by rules of its own.", leaf.span);
    if (rest !== null) leaf.script.shell(leaf, [given, ...rest].join(" ").replace(/^(?:[A-Za-z_]\w*=\S* )*/, ""));
    return DONE;
  }
  const { flags, operands, problem } = readArguments(ENV, leaf.args, true);
  for (const { name } of flags) if (name === "-C" || name === "--chdir") leaf.script.folders.add(null);
  return start(leaf, operands, problem);
}

/** `command -v` looks a name up; without it the name runs. */
function command(leaf: Leaf): Done {
  const { flags, operands, problem } = readArguments(grammar("-pvV"), leaf.args, true);
  if (problem === null && flags.some(({ name }) => name === "-v" || name === "-V")) {
    leaf.draft.effect("read", "`command` looks a name up.", leaf.span);
    return DONE;
  }
  if (operands.length === 0 && problem === null) return DONE;
  return start(leaf, operands, problem);
}

/** `exec` with nothing behind it only keeps the redirections. */
function replace(leaf: Leaf): Done {
  const { operands, problem } = readArguments(grammar("-cl -a:"), leaf.args, true);
  if (operands.length === 0 && problem === null) {
    leaf.draft.effect("read", "`exec` keeps redirections.", leaf.span);
    return DONE;
  }
  return start(leaf, operands, problem);
}

function become(leaf: Leaf): Done {
  add(leaf, "power");
  const place = leaf.args.findIndex(({ value }) => value !== null && /^(?:-[a-z]*c|--command)$/.test(value));
  const attached = leaf.args.find(({ value }) => value?.startsWith("--command=") === true);
  const given = attached?.value?.slice("--command=".length) ?? (place < 0 ? null : leaf.args[place + 1]?.value);
  if (given == null) leaf.draft.opaque("What is typed as the other user is not known.", leaf.span);
  else leaf.script.shell(leaf, given);
  return DONE;
}

const WATCH = grammar(
  "-tgcebpwrCx -n: -d? -q: --interval: --differences? --no-title --chgexit --color --errexit --beep --precise --exec --no-wrap",
);

/** `watch` joins its words and gives them to a shell. */
function repeat(leaf: Leaf): Done {
  const { flags, operands, problem } = readArguments(WATCH, leaf.args, true);
  if (problem !== null) leaf.draft.opaque(`${shown(`watch ${problem}`)} is not understood.`, leaf.span);
  if (flags.some(({ name }) => name === "-x" || name === "--exec")) return start(leaf, operands, null);
  return text(leaf, operands);
}

function text(leaf: Leaf, words: readonly Word[]): Done {
  const parts = literal(words);
  if (parts === null || parts.length === 0)
    leaf.draft.opaque(`${shown(leaf.head)} gives a shell what is not known.`, leaf.span);
  else leaf.script.shell(leaf, parts.join(" "));
  return DONE;
}

const SCRIPT = grammar(
  "-aefqtr -c: -E: -o: -I:write -O:write -B:write -T:write -m: --append --return --flush --quiet --command: --force",
);

/** `script` writes down all that happens in a shell. */
function record(leaf: Leaf): Done {
  const { flags, operands, problem } = readArguments(SCRIPT, leaf.args, true);
  const given = flags.find(({ name }) => name === "-c" || name === "--command")?.value;
  const [file, ...rest] = operands;
  if (file === undefined) leaf.draft.effect("write", "`script` writes the file typescript.", leaf.span);
  else writeFile(leaf, file);
  if (given != null) return text(leaf, [given]);
  return start(leaf, rest, problem);
}

/** GNU parallel puts its input into a text for a shell: what can be read counts, and it stays opaque. */
function parallel(leaf: Leaf): Done {
  leaf.draft.effect("execute", `${shown(leaf.head)} makes commands out of its input.`, leaf.span);
  leaf.draft.trait("dynamic_code", `${shown(leaf.head)} makes commands out of its input.`, leaf.span);
  leaf.draft.opaque(`${shown(leaf.head)} makes commands out of its input.`, leaf.span);
  const end = leaf.args.findIndex(({ value }) => value !== null && /^:::[:+]*$/.test(value));
  const words = leaf.args.slice(0, end < 0 ? undefined : end);
  const first = words.findIndex(({ value }) => value !== null && !value.startsWith("-") && !/^\d+%?$/.test(value));
  if (first >= 0) {
    const parts = literal(words.slice(first));
    if (parts !== null && parts.some((part) => /\s/.test(part))) leaf.script.shell(leaf, parts.join(" "));
    else leaf.script.run(leaf, words.slice(first));
  }
  return DONE;
}
