import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { loadShell } from "../../../src/classifiers/shell/index.ts";
import type { ShellClassification } from "../../../src/classifiers/shell/index.ts";
import { whyNotPlain } from "../../../src/classifiers/shell/awk.ts";
import { matches, normalPath } from "../../../src/classifiers/shell/paths.ts";
import { readProgram } from "../../../src/classifiers/shell/sed.ts";
import { effectsOf, passes, traitsOf } from "./ask.ts";
import { HELD } from "./held.ts";
import { PASSING } from "./passing.ts";

const shell = await loadShell();
const all = [...Object.values(HELD).flat(), ...PASSING];
// A text that ends in the middle of something swallows what is put behind it; a here-document needs its own lines.
const unseen = ["\0", "\r", "\u001b", "\u202e", "\u00a0", "\u200b"];
const whole = all.filter((text) => !/<<|#|\\$/.test(text) && !unseen.some((sign) => text.includes(sign)));
const one = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Nothing that is said of the one is unsaid of the other. */
function assertNotMilder(plain: ShellClassification, dressed: ShellClassification, text: string): void {
  for (const effect of effectsOf(plain)) assert.ok(effectsOf(dressed).has(effect), `${text}: lost ${effect}`);
  for (const trait of traitsOf(plain)) assert.ok(traitsOf(dressed).has(trait), `${text}: lost ${trait}`);
  assert.ok(passes(plain) || !passes(dressed), `${text}: passes now`);
}

const ADDITIONS: readonly ((text: string) => string)[] = [
  (text) => `${text}; ls`,
  (text) => `ls; ${text}`,
  (text) => `${text}\nrm other`,
  (text) => `ls | head && ${text}`,
  (text) => `{ ${text}\n}`,
  (text) => `( ${text}\n)`,
  (text) => `if true; then ${text}\nfi`,
  (text) => `while false; do ${text}\ndone`,
  (text) => `case a in a) ${text}\n;; esac`,
  (text) => `${text} 2>/dev/null`,
];

test("adding a statement, a pipe or a construct never makes it milder", () => {
  fc.assert(
    fc.property(fc.constantFrom(...whole), fc.constantFrom(...ADDITIONS), (text, dress) => {
      assertNotMilder(shell.classifyScript(text), shell.classifyScript(dress(text)), dress(text));
    }),
    { numRuns: 1_500 },
  );
});

const WRAPPINGS: readonly ((text: string) => string)[] = [
  (text) => `bash -c ${one(text)}`,
  (text) => `sh -xec ${one(text)}`,
  (text) => `sudo -u x bash -c ${one(text)}`,
  (text) => `timeout 5 env A=b nice -n 3 sh -c ${one(text)}`,
  (text) => `nohup setsid bash -c ${one(text)} &`,
  (text) => `ssh h ${one(text)}`,
  (text) => `eval ${one(text)}`,
  (text) => `watch ${one(text)}`,
  (text) => `su x -c ${one(text)}`,
  (text) => `docker exec c bash -c ${one(text)}`,
  (text) => `kubectl exec p -- sh -c ${one(text)}`,
  (text) => `xargs -n1 sh -c ${one(text)}`,
  (text) => `find . -exec sh -c ${one(text)} \\;`,
  (text) => `nobodyknows --flag bash -c ${one(text)}`,
  (text) => `bash -c ${one(`bash -c ${one(text)}`)}`,
];

test("wrapping never makes it milder", () => {
  fc.assert(
    fc.property(fc.constantFrom(...whole), fc.constantFrom(...WRAPPINGS), (text, dress) => {
      // A place-holder of find or a mark of xargs within the text makes it a text that nobody knows, which is worse.
      fc.pre(!text.includes("{}"));
      assertNotMilder(shell.classifyScript(text), shell.classifyScript(dress(text)), dress(text));
    }),
    { numRuns: 1_500 },
  );
});

test("writing the words differently never lets it pass", () => {
  const simple = all.filter((text) => /^[a-z]+(?: [\w./-]+)+$/.test(text) && !passes(shell.classifyScript(text)));
  const dresses: readonly ((word: string) => string)[] = [
    (word) => `"${word}"`,
    (word) => `'${word}'`,
    (word) => `\\${word}`,
    (word) => `${word.slice(0, 1)}""${word.slice(1)}`,
    (word) => `$'${[...word].map((char) => `\\x${char.charCodeAt(0).toString(16)}`).join("")}'`,
    (word) => `$(echo ${word})`,
    (word) => `{${word},${word}}`,
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...simple),
      fc.array(fc.constantFrom(...dresses), { minLength: 1, maxLength: 8 }),
      (text, dress) => {
        const words = text.split(" ").map((word, place) => (dress[place % dress.length] ?? String)(word));
        assert.ok(!passes(shell.classifyScript(words.join(" "))), words.join(" "));
      },
    ),
    { numRuns: 1_000 },
  );
});

test("an argv says the same as the script that quotes its words", () => {
  const word = fc.stringMatching(/^[ -~]{0,12}$/);
  const head = fc.constantFrom(
    "ls",
    "cat",
    "find",
    "grep",
    "sed",
    "awk",
    "git",
    "sort",
    "xargs",
    "env",
    "rm",
    "tar",
    "curl",
    "echo",
    "uniq",
    "date",
  );
  fc.assert(
    fc.property(
      head,
      fc.array(
        fc.oneof(word, fc.constantFrom("-delete", "-o", "-exec", "rm", ";", "-i", "--output=x", "-c", ".env", "{}")),
        { maxLength: 5 },
      ),
      (name, words) => {
        const argv = [name, ...words];
        const quoted = argv.map(one).join(" ");
        assert.equal(passes(shell.classifyArgv(argv)), passes(shell.classifyScript(quoted)), quoted);
      },
    ),
    { numRuns: 1_500 },
  );
});

test("whatever the text, there is an answer, and it is well formed", () => {
  const token = fc.constantFrom("ls", "rm", " ", "\n", ";", "|", "&", "(", ")", "{", "}", "[[", "]]", "$", "${", "$(", "`", "'", '"', "<", "<<E", ">", "=", "#", "!", "*", "\\", "if", "then", "fi", "for", "in", "do", "done", "case", "esac", "x", "-c", "sh", "E\n", "\0", "é", "\u{1F600}", "\ud800"); // prettier-ignore
  fc.assert(
    fc.property(fc.array(token, { maxLength: 40 }), (tokens) => {
      const text = tokens.join("");
      const found = shell.classifyScript(text);
      assert.ok(found.effects.length > 0);
      assert.ok(!found.opaque.some((reason) => reason.includes("failed")), text);
      assert.equal(found.opaque.length > 0, effectsOf(found).has("opaque"), text);
      for (const { span } of found.effects)
        assert.ok(span === undefined || (span.start <= span.end && span.end <= text.length), text);
      assert.deepEqual(shell.classifyScript(text), found, "the same text has the same answer");
    }),
    { numRuns: 3_000 },
  );
  assert.equal(shell.isBroken(), false);
});

test("a program of sed that names no file and starts nothing keeps saying so", () => {
  const piece = fc.constantFrom("s/a/b/", "s,a,b,g", "/x/d", "1,3p", "$!N", "y/ab/ba/", "ta", ":a", "N;P;D", "{p}", "w f", "e", "s/a/b/w f", "s/a/b/e", "r f", "a\\\ntext", "i text", "s/[/]w/x/", "\\,a,p"); // prettier-ignore
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), (pieces) => {
      const worst = pieces.some((text) => /w f$|^e$|\/e$|^r f$/.test(text));
      if (worst) assert.ok(readProgram(pieces.join("\n")).length > 0, pieces.join("\n"));
      assert.ok(
        readProgram(pieces.join("\n")).every(({ does }) => does !== "unclear"),
        pieces.join("\n"),
      );
    }),
  );
});

test("a program of awk that reaches outside is never plain, whatever stands around it", () => {
  const around = fc.constantFrom("{ print $1 }", "/a|b/ { n++ }", "END { print n / 2 }", "$1 > 3", '{ x = "|" }', "BEGIN { FS = \":\" }", "{ y = a[1] }"); // prettier-ignore
  const bad = fc.constantFrom('{ print > "f" }', '{ print | "sh" }', '{ system("id") }', '{ "id" | getline }', '{ printf("%s", $0) >> "f" }', "{ while ((getline l < f) > 0) n++ }"); // prettier-ignore
  fc.assert(
    fc.property(fc.array(around, { maxLength: 4 }), bad, fc.array(around, { maxLength: 4 }), (before, one, behind) => {
      assert.equal(whyNotPlain([...before, ...behind].join("\n")), null);
      assert.notEqual(whyNotPlain([...before, one, ...behind].join("\n")), null);
    }),
  );
});

test("patterns and paths are read as the shell and the kernel do", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["*", "abc", true],
    ["a*c", "abc", true],
    ["a?c", "abc", true],
    ["a[xb]c", "abc", true],
    ["*-delete", "-delete", true],
    ["*.c", "-delete", false],
    ["", "", true],
    ["?", "", false],
  ];
  for (const [pattern, name, expected] of cases) assert.equal(matches(pattern, name), expected, `${pattern} ${name}`);
  const paths: readonly (readonly [string, string, string])[] = [
    ["/etc/../etc/./shadow", "", "/etc/shadow"],
    ["//a//b/", "", "/a/b"],
    ["../x", "a/b", "a/x"],
    ["../../x", "a", "../x"],
    ["..", "/", "/"],
    ["x", "~", "~/x"],
    ["~/a/../..", "", "~/.."],
    [".", "", "."],
  ];
  for (const [path, folder, expected] of paths) assert.equal(normalPath(path, folder), expected, path);
});
