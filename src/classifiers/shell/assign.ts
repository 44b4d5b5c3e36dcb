import type { Span } from "../../core/risk/index.ts";
import { shown } from "./draft.ts";
import type { Draft } from "./draft.ts";
import type { Leaf } from "./leaf.ts";

/** Variables that change what later programs load, run, show or talk to. Compared in capitals. */
const INJECTING =
  /^(?:LD_.*|DYLD_.*|_?PATH|.*_PATH|CDPATH|IFS|ENV|BASH_.*|BASHOPTS|SHELLOPTS|SHELL|PROMPT_COMMAND|PS[0-4]|GLOBIGNORE|EXECIGNORE|HOME|ZDOTDIR|XDG_.*|POSIXLY_CORRECT|.*PAGER|.*EDITOR|VISUAL|BROWSER|LESS.*|MORE|GREP_.*|GIT_.*|SSH_.*|SUDO_.*|RSYNC_.*|TAR_OPTIONS|.*_OPTIONS|.*_OPTS|.*_ARGS|.*FLAGS|PYTHON.*|NODE_.*|NPM_.*|PERL.*|RUBY.*|GEM_.*|BUNDLE_.*|JAVA_.*|_JAVA_.*|JDK_.*|CLASSPATH|MAVEN_.*|GRADLE_.*|GO.*|CARGO_.*|RUST.*|PHP.*|LUA_.*|R_.*|AWS_.*|AZURE_.*|GOOGLE_.*|CLOUDSDK_.*|GCLOUD_.*|KUBE.*|HELM_.*|TF_.*|DOCKER_.*|CONTAINER_.*|VAULT_.*|CONSUL_.*|NOMAD_.*|OP_.*|DOPPLER_.*|RCLONE_.*|RESTIC_.*|BORG_.*|PG(?!PASSWORD$).*|MYSQL_.*|REDIS.*|ORACLE_.*|TNS_.*|.*_PROXY|.*_HOST|.*_ADDR|.*_URL|.*_ENDPOINT|.*_URI|.*_HOME|.*_CONFIG|.*_CONFIG_.*|.*RC|CURL_.*|SSL_.*|OPENSSL_.*|TERMINFO.*|TERMCAP|NLSPATH|LOC.*PATH|GCONV_PATH|HOSTALIASES|RES_OPTIONS|RESOLV_.*|MALLOC_.*|GLIBC_.*|NSS_.*|KRB5.*|SYSTEMD_.*|DBUS_.*|DISPLAY|XAUTHORITY|TMPDIR|TMP|TEMP|HIST.*|SAVEHIST|FCEDIT|INPUTRC|MAN.*|TZDIR|CC|CXX|AR|AS|MAKE.*|.*_WRAPPER|.*_COMMAND|.*_CMD|.*_PRELOAD|.*_SHELL|.*_PROGRAM|RIPGREP_.*|FZF_.*|BAT_.*|FUNCNAME|BASH|OPTIND)$/;
/** Variables that a program may be given without its doing anything else. */
const PLAIN =
  /^(?:LANG|LANGUAGE|LC_[A-Z]+|TZ|COLUMNS|LINES|NO_COLOR|FORCE_COLOR|CLICOLOR(?:_FORCE)?|CI|DEBIAN_FRONTEND|TERM|PGPASSWORD|[a-z][a-z0-9_]*)$/;
/** Built-ins that look at no variables of others. */
const INSENSITIVE = new Set(["echo", "printf", "true", "false", ":", "test", "[", "pwd", "alone", "local", "readonly"]);
const HISTORY = /^(?:HIST(?:FILE|SIZE|FILESIZE|CONTROL|IGNORE)|SAVEHIST)$/;

/** A variable is set: alone (`head` is then "alone"), for a command, or by `export` and its like. */
export function assign(draft: Draft, span: Span, name: string, head: string): void {
  const because = `It sets \`${name}\`, which changes what other programs do.`;
  if (HISTORY.test(name))
    draft.trait("defence_evasion", `It sets \`${name}\`, which says what the history keeps.`, span);
  // `IFS= read` splits that one line and nothing else.
  if (name === "IFS" && /^(?:read|mapfile|readarray)$/.test(head)) return;
  if (INJECTING.test(name.toUpperCase()) || name === "") {
    draft.effect("write", because, span);
    draft.trait("code_injection", because, span);
  } else if (!PLAIN.test(name) && !INSENSITIVE.has(head)) {
    draft.opaque(`It sets \`${name}\` for ${shown(head)}, and nobody knows what that changes.`, span);
  } else draft.effect("read", "It keeps a value.", span);
}

/** `export`, `declare`, `local`, `readonly`, `typeset`, `unset` with the words that are no plain assignments, which are counted. */
export function declare(leaf: Leaf, assigned: number): void {
  const { draft, span, head, args } = leaf;
  draft.name("commands", head);
  draft.effect("read", `${shown(head)} changes variables of the shell.`, span);
  let names = 0;
  for (const { value } of args) {
    if (value === null) draft.opaque(`${shown(head)} is given a name that is not known.`, span);
    else if (value.startsWith("-") || value.startsWith("+")) {
      // `-n` makes one name stand for another, `-i` computes, `-f` means functions.
      const plain = head === "unset" ? /^-v$/ : /^[-+][rxaAgl]+$/;
      if (!plain.test(value)) draft.opaque(`${shown(`${head} ${value}`)} is not understood.`, span);
    } else {
      names += 1;
      const [name = ""] = value.split("=", 1);
      if (!/^\w+$/.test(name)) draft.opaque(`${shown(head)} is given ${shown(name)}, which is no plain name.`, span);
      else assign(draft, span, name, head === "unset" ? "alone" : head);
    }
  }
  // Without a name they list what there is.
  if (names + assigned > 0 || head === "unset" || head === "local") return;
  draft.effect("secret.read", `${shown(head)} shows all variables, where secrets are kept.`, span);
  draft.trait("secret_access", `${shown(head)} shows all variables, where secrets are kept.`, span);
}
