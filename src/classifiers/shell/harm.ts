import { EFFECTS, TRAITS } from "../../core/risk/index.ts";
import type { Effect, TraitId } from "../../core/risk/index.ts";
import { shown } from "./draft.ts";
import { HARM_COMMANDS } from "./harm-table.ts";
import { DONE } from "./leaf.ts";
import type { Done, Leaf } from "./leaf.ts";
import { isWide, normalPath, readRisk, writeKind } from "./paths.ts";
import { deleteFile, hostIn, readContent, revealed, writeFile } from "./touch.ts";
import { after, isOperand } from "./word.ts";
import type { Word } from "./word.ts";

type Harm = {
  readonly effects: readonly Effect[];
  readonly traits: readonly TraitId[];
  readonly does: string;
  readonly operands: string;
};

/** Commands that do more than read, by name. */
export const HARM: ReadonlyMap<string, Harm> = new Map(HARM_COMMANDS.flatMap((row) => compile(row)));

function compile(row: string): (readonly [string, Harm])[] {
  const [heads = "", effects = "", traits = "", does = "", operands = ""] = row.split("|").map((cell) => cell.trim());
  const harm: Harm = {
    effects: EFFECTS.filter((effect) => effects.split(" ").includes(effect)),
    traits: TRAITS.filter((trait) => traits.split(" ").includes(trait)),
    does,
    operands,
  };
  return heads.split(",").map((head) => [head, harm]);
}

/** What a command does that is known not to be harmless; null when nothing is known of it. */
export function runHarm(leaf: Leaf): Done | null {
  const harm = HARM.get(leaf.head) ?? (leaf.head.startsWith("mkfs.") ? HARM.get("mkfs") : undefined);
  if (harm === undefined) return null;
  const { draft, span, args } = leaf;
  const because = `${shown(leaf.head)} ${harm.does}.`;
  for (const effect of harm.effects) draft.effect(effect, because, span);
  for (const trait of harm.traits) draft.trait(trait, because, span);
  if (harm.traits.includes("program_execution"))
    draft.opaque(`${shown(leaf.head)} ${harm.does}: what that does is not known.`, span);
  if (harm.traits.includes("dynamic_code")) draft.opaque(because, span);
  const operands = args.filter(isOperand).concat(args.filter((word) => !isOperand(word) && word.value === null));
  if (harm.operands === "deleted") for (const word of operands) deleteFile(leaf, word);
  if (harm.operands === "written") written(leaf, operands);
  // What is given to a command that only names it is still given to it.
  for (const word of args) mention(leaf, word, harm.effects.includes("network"));
  worse(leaf);
  return DONE;
}

const COPIES = new Set(["cp", "mv", "install", "ln", "link", "ditto", "cpio"]);
/** Commands whose first operand is no file. */
const FIRST_IS_TEXT = new Set([
  "chmod",
  "chown",
  "chgrp",
  "setfacl",
  "chattr",
  "chflags",
  "setcap",
  "defaults",
  "SetFile",
  "xattr",
]);

function written(leaf: Leaf, operands: readonly Word[]): void {
  const copies = COPIES.has(leaf.head);
  const targets =
    copies &&
    !leaf.args.some(({ value }) => value?.startsWith("-t") === true || value?.startsWith("--target") === true);
  const files = FIRST_IS_TEXT.has(leaf.head) ? operands.slice(1) : operands;
  if (leaf.head === "dd") {
    for (const word of leaf.args) copyBlocks(leaf, word);
    return;
  }
  for (const [place, word] of files.entries()) {
    const isTarget = !targets || place === files.length - 1;
    if (isTarget || leaf.head === "mv") writeFile(leaf, word);
    if (copies && place < files.length - 1) readContent(leaf, word);
  }
  if (leaf.head === "ln" && operands.length === 1) leaf.draft.name("pathsWritten", ".");
}

/** `dd if=… of=…`. */
function copyBlocks(leaf: Leaf, word: Word): void {
  if (word.prefix.startsWith("of=")) writeFile(leaf, after(word, 3));
  else if (word.prefix.startsWith("if=")) readContent(leaf, after(word, 3));
  else if (word.value === null) leaf.draft.opaque("`dd` copies what is not known.", leaf.span);
}

/** Secrets and hosts that stand among the words, such as `-d @FILE` or `user@host:path`. */
function mention(leaf: Leaf, word: Word, network: boolean): void {
  const text = word.value ?? word.pattern ?? word.prefix;
  const path = text.replace(/^-{1,2}[\w-]*=?(?=[/~.@])/, "").replace(/^(?:[\w-]+=)?[@<]?/, "");
  const risk = /^(?:[/~.]|[^:]*\/)/.test(path) ? readRisk(path, "", word.value === null) : null;
  if (risk?.kind === "secret") revealed(leaf, `${shown(path)} is ${risk.because}.`);
  if (!network || word.value === null || word.value.startsWith("-")) return;
  const host = hostIn(word.value);
  if (host !== null && /[.:@]|^localhost$/.test(word.value)) leaf.draft.name("hosts", host.toLowerCase());
}

const RECURSIVE = /^(?:-[a-zA-Z]*[rR][a-zA-Z]*|--recursive)$/;

/** What makes the same command worse. */
function worse(leaf: Leaf): void {
  const { draft, span, args, head } = leaf;
  const texts = args.map(({ value, pattern, prefix }) => value ?? pattern ?? prefix);
  const has = (pattern: RegExp): boolean => texts.some((text) => pattern.test(text));
  const say = (trait: TraitId, because: string): void => draft.trait(trait, because, span);
  if (/^(?:rm|chmod|chown|chgrp|setfacl|chattr|cp|srm)$/.test(head) && has(RECURSIVE)) {
    say("unbounded", `${shown(head)} acts on everything below.`);
  }
  if (head === "chmod" && has(/^(?:[0-7]?[2-7][0-7]{3}|[ugoa]*\+[rwxX]*[st]|[0-7]?[0-7]{2}[2367])/))
    say("privilege_change", "It lets others do what only the owner could.");
  if (/^(?:kill|pkill|killall)$/.test(head) && has(/^(?:-1|cron|auditd|rsyslogd?|syslogd?|falco|osqueryd|filebeat)$/))
    say("defence_evasion", "It stops what keeps records or watches.");
  if (
    /^(?:systemctl|service|launchctl|rc-service|sysrc|chkconfig)$/.test(head) &&
    has(/audit|syslog|journal|falcon|osquery|defend|clamav|apparmor|firewall|ufw|iptables|sentinel|wazuh|beat|cron/i)
  ) {
    say("defence_evasion", "It stops or changes what keeps records or watches.");
  }
  if (head === "history" && has(/^-[cwda]/)) draft.effect("delete", "It changes the history.", span);
  if (head === "journalctl" && has(/^--(?:vacuum|rotate|flush)/)) {
    draft.effect("delete", "It deletes the journal.", span);
    say("irreversible", "A deleted journal does not come back.");
  }
  if (/^(?:iptables|ip6tables|nft|ufw|pfctl)$/.test(head) && has(/^(?:-F|--flush|flush|disable|reset|-d)$/))
    say("unbounded", "It takes down the firewall.");
  if (/^(?:docker|podman|nerdctl)$/.test(head)) container(leaf, texts);
  if (head === "mv" && writeKind(texts.at(-1) ?? "") !== "file" && texts.at(-1)?.startsWith("/dev/") === true) {
    draft.effect("delete", "What is moved to a device is gone.", span);
    say("irreversible", "What is moved to a device is gone.");
  }
  if (head === "crontab" && has(/^-r$/)) draft.effect("delete", "It deletes the schedule.", span);
  if (head === "tar" || head === "bsdtar" || head === "gtar") archive(leaf, texts);
  for (const text of texts)
    if (isWide(text) && /^(?:chmod|chown|mv|cp)$/.test(head))
      say("unbounded", `It acts on ${shown(normalPath(text))}.`);
  for (const text of texts)
    if (text.startsWith("/dev/") && writeKind(text) === "device")
      say("irreversible", `It acts on the device ${shown(text)}.`);
}

function container({ draft, span }: Leaf, texts: readonly string[]): void {
  const powerful =
    /^(?:--privileged(?:=true)?|--pid=host|--net(?:work)?=host|--ipc=host|--userns=host|--cap-add.*|-v\/:.*|\/:.*|.*docker\.sock.*)$/;
  for (const text of texts)
    if (powerful.test(text))
      draft.trait("privilege_use", `${shown(text)} gives the container power over the machine.`, span);
  if (texts.some((text) => /^(?:rm|rmi|prune|down|kill|stop)$/.test(text))) {
    draft.effect("delete", "It removes or stops containers, images or volumes.", span);
    draft.trait("irreversible", "What is pruned or removed is gone.", span);
  }
  if (texts.some((text) => /^(?:push|login)$/.test(text))) draft.effect("network", "It sends to a registry.", span);
}

/** Flags by which an archiver starts programs, and archives on other machines. */
function archive({ draft, span }: Leaf, texts: readonly string[]): void {
  if (texts.some((text) => /^[\w.@-]+:/.test(text)))
    draft.effect("network", "An archive with a colon is one of another machine.", span);
  const starts = texts.find((text) => /^(?:--(?:to-c|checkpoint-a|use-c|rsh|rmt|info-s|new-vol)|-I|-F)/.test(text));
  if (starts === undefined) return;
  draft.effect("execute", `${shown(starts)} starts a program.`, span);
  draft.trait("program_execution", `${shown(starts)} starts a program.`, span);
  draft.opaque(`${shown(starts)} starts a program.`, span);
}
