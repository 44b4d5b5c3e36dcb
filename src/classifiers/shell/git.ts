import { shown } from "./draft.ts";
import { grammar, readArguments } from "./grammar.ts";
import type { Grammar } from "./grammar.ts";
import { DONE } from "./leaf.ts";
import type { Done, Handler, Leaf } from "./leaf.ts";
import { assign } from "./assign.ts";
import { contact, hostIn, readContent } from "./touch.ts";
import { isOperand } from "./word.ts";
import type { Word } from "./word.ts";

export const GIT_COMMANDS: readonly (readonly [string, Handler])[] = [["git", git]];

/**
 * Before the sub-command. `-c`, `--exec-path=`, `--git-dir` and their like are not here: they choose programs.
 */
const BEFORE = grammar(
  "-pP -C: --no-pager --paginate --no-replace-objects --no-optional-locks --bare --literal-pathspecs --no-advice --version --help --html-path --man-path --exec-path -vh",
);

const SHOWING =
  "-abBcCDgGilLmMnNOpPqrRsSuUwWzt -# -n: -U: -S: -G: -L: -M? -C? -B? -l: --oneline --graph --all --stat? --shortstat --numstat --name-only --name-status --patch --no-patch --abbrev-commit --abbrev? --no-abbrev --decorate? --no-decorate --pretty? --format: --date: --since: --until: --after: --before: --author: --committer: --grep: --follow --first-parent --merges --no-merges --reverse --max-count: --skip: --cached --staged --word-diff? --color? --no-color --unified: --minimal --patience --histogram --diff-filter: --find-renames? --find-copies? --no-renames --ignore-all-space --ignore-space-change --ignore-space-at-eol --ignore-blank-lines --check --summary --dirstat? --raw --full-index --binary --relative? --exit-code --quiet --topo-order --date-order --branches? --tags? --remotes? --left-right --cherry-pick --cherry-mark --show-signature --notes? --no-notes --merge-base --stdin --full-history --simplify-by-decoration --source --boundary --walk-reflogs --no-ext-diff --no-textconv --submodule? --color-moved? --compact-summary --function-context --text --root --no-commit-id --parents --children --count --not --objects --diff-algorithm: --anchored: --inter-hunk-context: --pickaxe-regex --pickaxe-all --regexp-ignore-case --extended-regexp --fixed-strings --perl-regexp --invert-grep --all-match --glob: --exclude: --no-prefix --no-index-none --no-walk --cc --combined-all-paths --encoding:";

/**
 * Sub-commands that only read, with their harmless flags; a list after `|` says which words may follow when the
 * sub-command writes with others. From git's manual.
 */
const READS: ReadonlyMap<string, { readonly flags: Grammar; readonly words: RegExp | null }> = new Map(
  (
    [
      [
        "status",
        "-bsuvz --short --branch --porcelain? --long --verbose --untracked-files? --ignored? --show-stash --ahead-behind --no-ahead-behind --column? --no-column --no-renames --ignore-submodules?",
      ],
      [
        "log,show,diff,whatchanged,diff-tree,diff-index,diff-files,range-diff,rev-list,shortlog",
        `${SHOWING} -eEF --numbered --email`,
      ],
      [
        "blame,annotate",
        "-lbcefnpstwMC -L: --date: --porcelain --line-porcelain --show-email --show-name --show-number --root --since: --color-lines --abbrev:",
      ],
      [
        "describe",
        "--tags --always --all --long --dirty? --abbrev: --match: --exclude: --contains --exact-match --first-parent --candidates: --broken?",
      ],
      [
        "rev-parse",
        "-q --abbrev-ref? --short? --verify --show-toplevel --git-dir --is-inside-work-tree --is-bare-repository --symbolic-full-name --symbolic --show-prefix --show-cdup --absolute-git-dir --git-common-dir --branches? --tags? --remotes? --all --show-current --is-inside-git-dir --is-shallow-repository --quiet --not --revs-only --no-revs --default:",
      ],
      [
        "ls-files",
        "-cdmosizktuvfx -x: -X:read --cached --deleted --modified --others --stage --exclude-standard --exclude: --full-name --error-unmatch --ignored --unmerged --killed --directory --no-empty-directory --eol --recurse-submodules --abbrev? --format: --deduplicate",
      ],
      ["ls-tree", "-drtlz --name-only --name-status --full-name --full-tree --long --abbrev? --format: --object-only"],
      ["cat-file", "-tspe --batch-check? --batch-all-objects --unordered"],
      [
        "name-rev,merge-base,count-objects,show-ref,show-branch,check-ignore,check-attr,for-each-ref,cherry,var,check-ref-format,verify-pack",
        "-acdHhnqsvz --all --tags --name-only --always --is-ancestor --octopus --independent --fork-point --verify --heads --branches --dereference --hash? --verbose --format: --sort: --count: --points-at: --contains: --merged: --no-merged: --human-readable --quiet --non-matching --no-index-none --stdin --more: --list --topo-order --current --sha1-name --no-name",
      ],
      [
        "grep",
        "-aincwhHlLFEPvpWorIz -A: -B: -C: -e: -m: --count --line-number --files-with-matches --name-only --cached --untracked --ignore-case --fixed-strings --extended-regexp --perl-regexp --word-regexp --heading --break --show-function --function-context --all-match --and --or --not --color? --max-depth: --context: --recurse-submodules --only-matching --column --no-color",
      ],
      ["version,help", "-a --build-options --all"],
      [
        "branch",
        "-avrilq --list --all --remotes --verbose --show-current --contains? --no-contains? --merged? --no-merged? --points-at: --sort: --format: --column? --color? --no-color --ignore-case --abbrev:",
        "only-list",
      ],
      [
        "tag",
        "-lin -n? --list --contains? --no-contains? --merged? --no-merged? --points-at: --sort: --format: --column? --color? --ignore-case",
        "only-list",
      ],
      ["remote", "-v --verbose", "^(?:get-url(?: .*)?)?$"],
      ["stash", "-pu --stat? --patch --name-only --include-untracked --only-untracked", "^(?:list|show)(?: .*)?$"],
      ["reflog", SHOWING, "^(?:show|exists)?(?: .*)?$|^(?!expire|delete|drop|write)"],
      ["worktree", "-vz --porcelain --verbose", "^list$"],
      ["submodule", "-q --quiet --recursive --cached", "^(?:status|summary)?(?: .*)?$"],
      ["notes", "--ref:", "^(?:list|show)(?: .*)?$"],
      ["bisect", "", "^(?:log|visualize-none)$"],
      [
        "config",
        "-lz --list --get --get-all --get-regexp --show-origin --show-scope --name-only --global --local --system --worktree --null --type: --bool --int --path --includes --no-includes",
        "only-get",
      ],
      ["symbolic-ref", "-q --short --quiet", "^\\S+$"],
      [
        "fsck",
        "-v --full --strict --unreachable --dangling --no-dangling --no-reflogs --connectivity-only --verbose --no-progress --progress --name-objects --root --tags --cache",
      ],
      ["lfs", "-l --long --size --name-only", "^(?:ls-files|status|env|version)$"],
    ] as const
  ).flatMap(([names, flags, words = ""]) =>
    names
      .split(",")
      .map((name) => [name, { flags: grammar(flags), words: words === "" ? null : wordsOf(words) }] as const),
  ),
);

function wordsOf(notation: string): RegExp {
  // Nothing fits the second: what it reads may be a password.
  if (notation === "only-list") return /^$/;
  if (notation === "only-get") return /^(?!)/;
  return new RegExp(notation);
}

const TALKS =
  /^(?:push|pull|fetch|clone|ls-remote|submodule|remote|send-email|request-pull|archive|svn|p4|lfs|credential|remote-http|upload-pack|send-pack)$/;
const DESTROYS =
  /^(?:reset|clean|checkout|restore|rm|gc|prune|filter-branch|filter-repo|update-ref|stash|branch|tag|reflog|worktree|push|switch|rebase|replace|read-tree|checkout-index)$/;
const FORCES =
  /^(?:--hard|--force.*|-f|-[a-zA-Z]*[fdDx][a-zA-Z]*|-D|--delete|--mirror|--prune.*|--discard-changes|--merge|--keep|drop|clear|expire|delete|remove|--expire.*|--aggressive|\+.*|:.*|--|\.)$/;
/** Options by which git starts a program that the command line names. */
const STARTS =
  /^(?:--upload-pack|--receive-pack|--exec(?!-path$)|-x$|--ext-diff|--textconv|--filters|--open-files-in-pager|-O|--config|--template|--extcmd|--tool|--sequence-editor|--to-cmd|--cc-cmd|--smtp-server|--sendmail-cmd|-u$)/;

function git(leaf: Leaf): Done {
  const { draft, span, args } = leaf;
  const before = readArguments(BEFORE, args, true);
  const [sub, ...rest] = before.operands;
  draft.effect("read", "`git` looks at a repository.", span);
  for (const [place, word] of args.entries()) injected(leaf, word, args[place + 1]);
  if (sub === undefined && before.problem === null) return DONE;
  if (before.problem !== null || sub === undefined || sub.value === null) {
    draft.opaque(`${shown(`git ${before.problem ?? ""}`)} is not understood.`, span);
    changes(
      leaf,
      args.find(({ value }) => value !== null && (TALKS.test(value) || DESTROYS.test(value)))?.value ?? "",
      args,
    );
    return DONE;
  }
  if (before.flags.some(({ name, value }) => name === "-C" && value?.value == null))
    draft.opaque("`git` works in a folder that is not known.", span);
  const reads = READS.get(sub.value);
  const read = reads === undefined ? null : readArguments(reads.flags, rest);
  const words = read?.operands.map(({ value }) => value ?? "\n").join(" ") ?? "";
  const fits =
    reads?.words == null || reads.words.test(words) || onlyLists(sub.value, read?.flags ?? [], read?.operands ?? []);
  if (reads === undefined || read === null || read.problem !== null || !fits) {
    changes(leaf, sub.value, rest);
    return DONE;
  }
  for (const { kind, value } of read.flags) if (kind === "read" && value !== null) readContent(leaf, value);
  if (sub.value === "cat-file" || sub.value === "show") for (const word of read.operands) objectIn(leaf, word);
  return sub.value === "ls-files" || sub.value === "grep" ? { files: { secret: null, anchored: false } } : DONE;
}

/** `branch` and `tag` list with patterns behind `--list` only; `config` reads keys behind `--get` only. */
function onlyLists(sub: string, flags: readonly { readonly name: string }[], operands: readonly Word[]): boolean {
  const has = (...names: readonly string[]): boolean => flags.some(({ name }) => names.includes(name));
  if (sub === "branch" || sub === "tag") {
    const asks = ["-l", "--list", "--contains", "--no-contains", "--merged", "--no-merged", "--points-at"];
    return has(...asks) || (sub === "tag" && has("-n"));
  }
  if (sub !== "config") return false;
  const [key, more] = operands;
  const plain =
    key?.value != null &&
    /^(?:user|core|init|branch|push|pull|remote\.[^.]+\.(?:fetch|push)|color|alias|merge|diff|rerere|fetch|commit|tag|gc|log)\./i.test(
      key.value,
    );
  return has("--get", "--get-all") && plain && more === undefined;
}

/** `HEAD:path` shows a file of the repository. */
function objectIn(leaf: Leaf, word: Word): void {
  const path = word.value?.includes(":") === true ? word.value.slice(word.value.indexOf(":") + 1) : "";
  if (path !== "") readContent(leaf, { ...word, value: path, prefix: path });
  else if (word.value === null && !isOperand(word))
    leaf.draft.opaque("`git` shows an object that is not known.", leaf.span);
}

/** Settings on the command line name programs: pagers, editors, hooks, transports. */
function injected({ draft, span }: Leaf, word: Word, next: Word | undefined): void {
  const text = word.value ?? word.prefix;
  const key = text === "-c" ? (next?.value ?? "") : "";
  const chooses =
    key !== "" || /^(?:-c.|--(?:exec-path=|git-dir|work-tree|config-env|namespace|super-prefix))/.test(text);
  if (!chooses && !STARTS.test(text)) return;
  const because = `${shown(key === "" ? text : `${text} ${key}`)} may choose a program that git starts.`;
  if (chooses) draft.effect("write", because, span);
  if (chooses) draft.trait("code_injection", because, span);
  else draft.opaque(because, span);
  if (key.includes("=")) assign(draft, span, "GIT_CONFIG", "git");
}

function changes(leaf: Leaf, sub: string, rest: readonly Word[]): void {
  const { draft, span } = leaf;
  const because = `${shown(`git ${sub}`)} changes a repository.`;
  draft.effect("write", because, span);
  const texts = rest.map(({ value, prefix }) => value ?? prefix);
  if (DESTROYS.test(sub) && texts.some((text) => FORCES.test(text))) {
    draft.effect("delete", `${shown(`git ${sub}`)} throws work away.`, span);
    draft.trait("irreversible", `${shown(`git ${sub}`)} throws work away.`, span);
  }
  if (TALKS.test(sub)) {
    const host = texts.map((text) => (/[:@]/.test(text) ? hostIn(text) : null)).find((name) => name !== null) ?? null;
    contact(leaf, host, `${shown(`git ${sub}`)} talks to another machine.`);
    if (/push|send|request/.test(sub))
      draft.trait("network_egress", `${shown(`git ${sub}`)} sends what the repository holds.`, span);
  }
  if (
    /^(?:bisect|rebase|submodule|filter-branch|difftool|mergetool|hook|maintenance|daemon|instaweb|am|commit|merge|checkout|clone|pull|worktree|switch)$/.test(
      sub,
    )
  ) {
    draft.effect("execute", `${shown(`git ${sub}`)} may run hooks or other programs of the repository.`, span);
  }
  const [first] = texts;
  if (
    /^(?:filter-branch|difftool|mergetool|instaweb|hook|credential)$/.test(sub) ||
    ((sub === "bisect" || sub === "submodule") && first !== undefined && /^(?:run|foreach)$/.test(first))
  ) {
    draft.opaque(`${shown(`git ${sub}`)} starts programs that are not looked at.`, span);
  }
  if (!KNOWN.test(sub)) draft.opaque(`${shown(`git ${sub}`)} is not a sub-command that is known.`, span);
  if (rest.some(({ value }) => value === null)) draft.opaque("`git` is given words that are not known.", span);
}

/** Sub-commands of git itself; any other may be an alias or a program. */
const KNOWN =
  /^(?:add|am|apply|archive|bisect|blame|branch|bundle|cat-file|checkout|cherry-pick|clean|clone|commit|config|describe|diff|fetch|filter-branch|format-patch|fsck|gc|grep|init|log|ls-remote|merge|mv|notes|prune|pull|push|read-tree|rebase|reflog|remote|repack|replace|reset|restore|revert|rm|show|stash|status|submodule|switch|symbolic-ref|tag|update-index|update-ref|worktree|sparse-checkout|maintenance|rerere|write-tree|commit-tree|hash-object|lfs)$/;
