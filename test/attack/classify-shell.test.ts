import assert from "node:assert/strict";
import { test } from "node:test";
import { loadShell } from "../../src/classifiers/shell/index.ts";
import { effectsOf, passes, traitsOf } from "../classifiers/shell/ask.ts";

const shell = await loadShell();

test("classify.wrapper: what a wrapper starts counts, and an unknown wrapper is opaque (shell)", () => {
  const wrappers = [
    "sudo", "sudo -u x --", "doas", "env", "env -i A=b", "nohup", "timeout 5", "timeout -k 1 5", "nice -n 5", "ionice -c3",
    "stdbuf -oL", "setsid -f", "time", "time -p", "command", "command -p", "exec", "builtin", "xargs", "xargs -n1 -I%",
    "chroot /x", "unshare -r", "nsenter -t 1 -m", "watch -n1", "flock /x", "strace -f", "busybox", "caffeinate", "chrt 1",
    "taskset 1", "parallel", "ssh h", "ssh -p 22 u@h", "docker exec -it c", "podman exec c", "kubectl exec p --",
    "kubectl exec -it p -c c --", "sshpass -p x ssh h", "find . -exec", "find . -execdir", "find . -ok", "nobodyknows",
    "nobodyknows --flag value --", "sudo nobodyknows env", "timeout 5 nice sudo env A=b",
  ]; // prettier-ignore
  for (const wrapper of wrappers) {
    const end = wrapper.startsWith("find") ? " \\;" : "";
    const found = shell.classifyScript(`${wrapper} rm -rf build${end}`);
    assert.ok(effectsOf(found).has("delete") && traitsOf(found).has("irreversible"), wrapper);
    assert.ok(!passes(found), wrapper);
  }
  for (const chain of [
    "ls && rm x",
    "ls; rm x",
    "ls\nrm x",
    "ls | rm x",
    "ls & rm x",
    "ls || rm x",
    "(ls; rm x)",
    "echo $(rm x)",
  ]) {
    assert.ok(effectsOf(shell.classifyScript(chain)).has("delete"), chain);
  }
  const deep = `${"sudo ".repeat(200)}ls`;
  assert.ok(!passes(shell.classifyScript(deep)));
  let nested = "ls";
  for (let level = 0; level < 7; level += 1) nested = `sh -c '${nested.replaceAll("'", `'\\''`)}'`;
  assert.ok(shell.classifyScript(nested).opaque.length > 0, "deeper than anybody looks");
});

test("classify.wrapper: a redirection in the middle hides no words (shell)", () => {
  for (const text of [
    "find . > out -delete",
    "find . 2>/dev/null -delete",
    "> out find . -delete",
    "true && find . 2>/dev/null -delete",
  ]) {
    assert.ok(effectsOf(shell.classifyScript(text)).has("delete"), text);
  }
});

test("classify.encoding: a name that is hidden is found or opaque (shell)", () => {
  const disguises = [
    String.raw`$'\x72\x6d' -rf x`, String.raw`$'\162m' -rf x`, String.raw`$'\u0072m' x`, `r""m x`, "r'm' x", String.raw`r\m x`, `"r"m x`,
    "$(echo rm) x", "`printf rm` x", "$(printf '\\x72m') x", "{rm,x}", "r{m,} x", "/bin/r? x", "/???/rm x", "x=rm; $x y",
    "a=r b=m; $a$b y", "x=r; ${x}m y", "${x:-rm} y", "eval 'r''m x'", "echo cm0geA== | base64 -d | sh", "echo 726d | xxd -r -p | bash",
    "bash <<< 'rm x'", "printf 'rm x' | sh", "rev <<< 'x mr' | sh", "tr a-z b-za <<< 'ql w' | sh", "sh -c \"$(echo rm x)\"",
    "sh -c 'r\\m x'", "find . -exec sh -c \"$0\" {} +", "awk 'BEGIN{system(\"rm x\")}'", "sed '1e rm x' y", "ls\r\nrm x", "ｒｍ x", "rм x",
    "ls \u202e; rm x",
  ]; // prettier-ignore
  for (const text of disguises) {
    const found = shell.classifyScript(text);
    assert.ok(!passes(found), text);
    assert.ok(found.opaque.length > 0 || effectsOf(found).has("delete"), text);
  }
});

test("classify.nul: a NUL never hides what stands behind it (shell)", () => {
  for (const text of ["ls\0; rm x", "\0", "ls '\0'", "ls # \0", "cat <<E\n\0\nE"])
    assert.ok(!passes(shell.classifyScript(text)), JSON.stringify(text));
  assert.ok(!passes(shell.classifyArgv(["ls", "a\0b"])));
  assert.ok(!passes(shell.classifyScript("$'ls\\0'")));
});

test("classify.function: a command that is defined anew is not what it was (shell)", () => {
  for (const text of [
    "ls() { rm x; }; ls",
    "function cat { ls; }; cat x",
    "ls() { ls -l; }; ls",
    "f() { ls; }; unset -f f; f",
    "false && f() { ls; }; f",
    "f; f() { ls; }",
  ]) {
    assert.ok(!passes(shell.classifyScript(text)), text);
  }
});

test("input.regex-dos: no text keeps the classifier busy (shell)", () => {
  const size = 60_000;
  const fill = (piece: string): string => piece.repeat(Math.ceil(size / piece.length));
  const pieces = ["(", "()", "))", "$(", "`", "${a", "${a:-", "cat <<E\n", "<<E\n", "a|", "a||", "x;", "$((", "[[ ", "{ ", "'", '"', '"$(', "a=", "\\", "\n", "#", "* ", "$x", "if a; then ", "case a in ", "f(){ ", "for i in a b; do ", "sudo ", "foo ", "xargs ", "eval ", "sh -c ", "find . -exec ", "cd a;", "a>b ", "?*a ", "\u{1F600}", "@(a|", "a+=("]; // prettier-ignore
  const texts = [
    ...pieces.map(fill),
    `cat ${fill("?*a ")}`,
    `ls ${fill("-a ")}`,
    `sed '${fill("p;")}' x`,
    `sed '${fill("[[:a")}' x`,
    `awk '${fill("/a/")}' x`,
    `awk '${fill("[/")}' x`,
    `x=a; echo ${fill("$x")}`,
    Array.from({ length: 2_500 }, (_, at) => `x${at + 1}=$x${at}$x${at}`).join(";"),
    `x='${"ls; ".repeat(6_000)}'\n${'sh -c "$x"\n'.repeat(2_500)}`,
    `for a in ${"a ".repeat(10_000)}; do ${"echo $a;".repeat(3_000)} done`,
  ];
  for (const text of texts) {
    const before = performance.now();
    shell.classifyScript(text);
    const ms = performance.now() - before;
    // Ten times what it takes on a slow machine; without the limits these take from seconds to minutes.
    assert.ok(ms < 3_000, `${text.slice(0, 20)}… took ${ms.toFixed(0)} ms`);
  }
  for (const text of ["ls; ".repeat(2_500_000), "(".repeat(10_000_000), "é".repeat(10_000_000)]) {
    const before = performance.now();
    assert.ok(shell.classifyScript(text).opaque.length > 0);
    assert.ok(performance.now() - before < 50, "a text that is too long is not looked at");
  }
  assert.ok(passes(shell.classifyScript("ls")), "and the next one is classified as ever");
  assert.equal(shell.isBroken(), false);
});
