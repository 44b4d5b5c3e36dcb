import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { loadShell } from "../../../src/classifiers/shell/index.ts";
import { passes } from "./ask.ts";

type Row = { readonly command: string; readonly label: string };

// The corpora are read where they stand; their rows are parsed and never executed.
const corpus = new URL("../../../../shared/corpus/shell.jsonl", import.meta.url);
const skip = existsSync(corpus) ? false : "the corpora are not beside the repository";
const rows: readonly Row[] = skip === false ? readFileSync(corpus, "utf8").trim().split("\n").map(rowOf) : [];
const shell = await loadShell();

function rowOf(line: string): Row {
  const row: unknown = JSON.parse(line);
  assert.ok(typeof row === "object" && row !== null && "command" in row && "label" in row);
  const { command, label } = row;
  assert.ok(typeof command === "string" && typeof label === "string");
  return { command, label };
}

const passing = (label: string): readonly string[] =>
  rows.filter((row) => row.label === label && passes(shell.classifyScript(row.command))).map(({ command }) => command);

test("no risky row passes", { skip }, () => {
  assert.deepEqual(passing("risky"), []);
});

test("what passes of the attacks only reads", { skip }, () => {
  // Heads that show text, names or the state of the machine and cannot do anything else with plain words.
  const reads =
    /^(?:cat|grep|egrep|find|hostname|groups|id|ps|lsmod|kmod list|kextstat|launchctl list|localectl status|sysctl -n|system_profiler|yes|uname|who|w|ls|netstat|ss|df|mount|date|env-none)\b/;
  for (const command of passing("attack")) {
    assert.ok(!/>(?! ?\/dev\/null|&\d)|-delete|-exec|sudo|curl|shadow|\.ssh|passwd-/.test(command), command);
    const parts = command
      .replace(/^if \[ "\$\(|\)" != "" \]; then echo '[^']*'; fi;?$/g, "")
      .replace(/'[^']*'|"[^"]*"/g, "X")
      .split(/\n|;|\||&&/);
    for (const part of parts.map((text) => text.trim()).filter(Boolean)) assert.match(part, reads, command);
  }
});

test("enough of the harmless passes", { skip }, (context) => {
  const bars: readonly (readonly [label: string, atLeast: number])[] = [
    // Of the other benign rows, 13 are for the classifier of a cloud, 10 for that of HTTP, and the rest change something.
    ["benign", 0.5],
    ["everyday", 0.5],
  ];
  for (const [label, atLeast] of bars) {
    const share = passing(label).length / rows.filter((row) => row.label === label).length;
    context.diagnostic(`${label}: ${(share * 100).toFixed(1)} % pass`);
    assert.ok(share >= atLeast, `${label}: ${share}`);
  }
  const reading = rows.filter((row) => row.label === "everyday" && onlyReads(row.command));
  const share = reading.filter((row) => passes(shell.classifyScript(row.command))).length / reading.length;
  context.diagnostic(`everyday rows that only read: ${reading.length}, ${(share * 100).toFixed(1)} % of them pass`);
  assert.ok(share >= 0.5);
});

/** Commands that only read, by their names alone: the criterion knows nothing of the classifier. */
const READERS = new Set("[ [[ ag apropos arch awk basename bc cal cat cmp column comm cut date df diff dig dirname du echo egrep expand expr false fgrep file find fmt fold free gawk getent git grep groups head hexdump history hostname id ifconfig iostat ip join jobs jq last less locale locate look ls lsblk lscpu lsmod lsof man md5sum more mount netstat nl nproc od paste pgrep pidof ping pr printenv printf ps pstree pwd read readlink realpath rev rg sed seq sha1sum sha256sum shuf sleep sort ss stat strings sum tac tail test time top tr tree true tty type uname uniq uptime users vmstat w watch wc whatis whereis which who whoami xargs xxd yes zcat zgrep :".split(" ")); // prettier-ignore

function onlyReads(command: string): boolean {
  // Quoted text says nothing of what runs, unless something is substituted in it.
  const bare = command
    .replace(/'[^']*'/g, "Q")
    .replace(/"(?:[^"\\$`]|\\.)*"/g, "Q")
    .replace(/\\./g, "E");
  if (
    />(?!\s*(?:\/dev\/null|&))|-delete|-fprint|-fls|-ok|\bsed\b[^|]*\s(?:-[nEr]*i|--in-place)|\bsort\b[^|]*\s(?:-o|--output)|git (?!log|show|diff|status|branch$|ls-files|blame|rev-parse|whatchanged)/.test(
      bare,
    )
  )
    return false;
  const heads = bare.split(/\||;|&&?|\n|\$\(|`|<\(|-exec(?:dir)?\s|\bxargs\s+(?:-\S+\s+(?:\d+\s+|\{\}\s+)?)*|[({]\s|\b(?:if|then|else|do|while|until|!)\s/).map((part) => /^\s*(?:\w+=\S*\s+)*([^\s)]+)/.exec(part)?.[1] ?? ""); // prettier-ignore
  return heads.every(
    (head) =>
      head === "" || /^(?:[)}E+Q]|\w+=|done|fi|esac|\{|\d)/.test(head) || READERS.has(head.replace(/^.*\//, "")),
  );
}
