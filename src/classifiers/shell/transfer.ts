import { shown } from "./draft.ts";
import { grammar, readArguments } from "./grammar.ts";
import type { Arguments } from "./grammar.ts";
import { DONE } from "./leaf.ts";
import type { Done, Handler, Leaf } from "./leaf.ts";
import { contact, readContent, writeFile } from "./touch.ts";
import { after, isOperand } from "./word.ts";
import type { Word } from "./word.ts";

/** Commands that bring files or data from one place to another. */
export const TRANSFERS: readonly (readonly [string, Handler])[] = [
  ["curl", curl],
  ["wget", fetchFile],
  ["rsync", synchronise],
  ["tar", archive],
  ["bsdtar", archive],
  ["gtar", archive],
  ["tee", tee],
];

/** The flags with which `curl` only asks for an address and shows the answer. */
const ASKING = grammar(
  "-sSfLkIgNvi46# -X: -m: -w: -A: -H: --request: --silent --show-error --fail --fail-with-body --location --insecure --head --globoff --no-buffer --include --verbose --max-time: --connect-timeout: --retry: --retry-delay: --write-out: --http1.1 --http2 --compressed --ipv4 --ipv6 --no-progress-meter --progress-bar --url: --user-agent: --header: -d: --data: --data-raw:",
);
/** Headers that carry no credentials. */
const PLAIN_HEADER = /^(?:accept|accept-language|content-type|cache-control|user-agent)\s*:[\w\s/.,;*=+()-]*$/i;
/** Names that are only known on this machine or in its own network (RFC 6761, RFC 6762, RFC 8375). */
const LOCAL_HOST = /^(?:localhost|[\w-]+\.localhost|[\w-]+\.local|[\w-]+\.home\.arpa|127(?:\.\d{1,3}){3})$/i;
/** Addresses that curl and the standard for URLs read alike: no braces, backslashes, user names or fragments. */
const PLAIN_URL = /^(?:https?:\/\/)?[a-z0-9][\w.-]*(?::\d{1,5})?(?:\/[\w./~%*,:=&?+-]*)?$/i;
/** Addresses that hand out what is kept secret, or that act when they are asked. */
const TELLING =
  /key|secret|token|passw|credential|auth|login|session|env|config|vault|meta-?data|identity|private|shadow|\.\.|backup|dump|heap|export/i;
const ACTING =
  /build|trigger|delete|remove|destroy|shutdown|restart|reload|reset|run|exec|eval|script|invoke|start|stop|kill|drop|flush|create|update|install|deploy|admin|action|command|cmd|json\/new|_bulk|do[A-Z]/;
const SEARCHES = /^\/(?:[\w*,.-]+\/)?_(?:search|count|mget|msearch|field_caps|analyze|explain)$/;

type Asked = { readonly url: URL; readonly method: string; readonly stays: boolean };

/** Whether a question stays on this machine or in its own network, and is not one for secrets or for acting. */
function isLocal({ url, stays }: Asked): boolean {
  const { hostname, pathname, search } = url;
  return stays && LOCAL_HOST.test(hostname) && search === "" && !TELLING.test(pathname) && !ACTING.test(pathname);
}

/** What a plain request asks for; null when it is more than that. */
function asked(leaf: Leaf): Asked | null {
  const { flags, operands, problem } = readArguments(ASKING, leaf.args);
  const urls = [...operands, ...flags.filter(({ name }) => name === "--url").map(({ value }) => value)];
  const [address] = urls;
  if (problem !== null || urls.length !== 1 || address?.value == null || !PLAIN_URL.test(address.value)) return null;
  if (flags.some(({ name, value }) => /^(?:-H|--header)$/.test(name) && !PLAIN_HEADER.test(value?.value ?? "")))
    return null;
  // `-w` can write files and read variables.
  if (
    flags.some(
      ({ name, value }) =>
        /^(?:-w|--write-out|-A|--user-agent)$/.test(name) && !/^[\w\s%{}\\:.,/()-]*$/.test(value?.value ?? "@"),
    )
  )
    return null;
  if (flags.some(({ value }) => value?.value != null && /output|header_json/.test(value.value))) return null;
  const url = URL.parse(/^https?:\/\//i.test(address.value) ? address.value : `http://${address.value}`);
  if (url === null || url.username !== "" || url.password !== "") return null;
  const method = flags
    .filter(({ name }) => name === "-X" || name === "--request")
    .map(({ value }) => value?.value ?? "?");
  const data = flags.filter(({ name }) => /^(?:-d|--data)/.test(name)).map(({ value }) => value?.value ?? "@");
  const gets = method.every((name) => name === "GET" || name === "HEAD") && data.length === 0;
  const searches =
    method.every((name) => name === "GET" || name === "POST") &&
    SEARCHES.test(url.pathname) &&
    data.every((text) => !/^@|script|runtime_mappings/i.test(text));
  if (!gets && !searches) return null;
  const stays = !flags.some(({ name }) => name === "-L" || name === "--location");
  return { url, method: data.length > 0 ? "POST" : (method.at(-1) ?? "GET"), stays };
}

/** `curl`: the network; what it sends and where it writes comes on top. A plain question to this machine only reads. */
function curl(leaf: Leaf): Done | null {
  const plain = asked(leaf);
  if (plain !== null && (plain.method !== "POST" || isLocal(plain))) {
    const { url, method, stays } = plain;
    const because = `It asks ${shown(url.host)} for ${shown(url.pathname)}.`;
    leaf.draft.name("hosts", url.hostname);
    if (isLocal(plain)) leaf.draft.effect("read", because, leaf.span);
    else {
      leaf.draft.embed({
        kind: "http",
        method,
        url: url.href,
        because: `${because} That is for the classifier of HTTP.`,
        span: leaf.span,
      });
      if (!stays) contact(leaf, url.hostname, `${because} The answer may send it on to anywhere.`);
    }
    if (/^169\.254\.|^metadata\.|^fd00:ec2/.test(url.hostname) || url.pathname.startsWith("/latest/meta-data"))
      credentials(leaf);
    return DONE;
  }
  for (const [place, word] of leaf.args.entries()) option(leaf, word, leaf.args[place + 1]);
  return null;
}

function credentials({ draft, span }: Leaf): void {
  draft.effect("secret.read", "The address hands out credentials of the machine.", span);
  draft.trait("secret_access", "The address hands out credentials of the machine.", span);
}

/** One word of `curl` that makes it more than a question. */
function option(leaf: Leaf, word: Word, next: Word | undefined): void {
  const { draft, span } = leaf;
  const text = word.value ?? word.prefix;
  const sends = /^(?:-d|--data(?:-\w+)?|-F|--form(?:-\w+)?|-T|--upload-file|--json|--url-query)(?:$|=)|^-[dFT]./.exec(
    text,
  );
  const method = /^(?:-X|--request)$/.test(text)
    ? (next?.value ?? "")
    : (/^(?:-X|--request=)(\w+)$/.exec(text)?.[1] ?? "");
  if (sends !== null) {
    draft.trait("network_egress", "It sends data to another machine.", span);
    const value = /^-[dFT]./.test(text)
      ? after(word, 2)
      : text.includes("=")
        ? after(word, text.indexOf("=") + 1)
        : next;
    if (value !== undefined) sent(leaf, value, /^(?:-T|--upload)/.test(text));
  } else if (
    /^(?:-o|--output|--output-dir|-D|--dump-header|-c|--cookie-jar|--trace|--trace-ascii|--stderr)$/.test(text)
  ) {
    if (next !== undefined) writeFile(leaf, next);
  } else if (/^-o./.test(text)) writeFile(leaf, after(word, 2));
  else if (/^-[a-zA-Z]*O|^--remote-name/.test(text))
    draft.effect("write", "It writes a file whose name the other side chooses.", span);
  else if (/^(?:-K|--config)/.test(text)) draft.opaque("`curl` reads its settings from a file.", span);
  else if (/^(?:DELETE|PUT|PATCH|POST)$/i.test(method)) {
    draft.effect(
      /delete/i.test(method) ? "delete" : "write",
      `It asks the other side to ${method.toUpperCase()}.`,
      span,
    );
  } else if (/^file:/i.test(text)) readContent(leaf, after(word, /^file:(?:\/\/)?/i.exec(text)?.[0].length ?? 0));
  else if (/169\.254\.169\.254|metadata\.google|\/latest\/meta-data|metadata\/identity/i.test(text)) credentials(leaf);
}

/** `@file` and `name=@file` are read and sent. */
function sent(leaf: Leaf, word: Word, whole: boolean): void {
  const text = word.value ?? word.prefix;
  const at = whole ? 0 : /^(?:[\w-]*=)?[@<]/.exec(text)?.[0].length;
  if (at !== undefined && text.slice(at) !== "-") readContent(leaf, after(word, at));
  else if (word.value === null) leaf.draft.opaque("It sends data that is not known.", leaf.span);
}

function fetchFile(leaf: Leaf): null {
  const { args, draft, span } = leaf;
  for (const [place, word] of args.entries()) {
    const text = word.value ?? word.prefix;
    const next = args[place + 1];
    if (/^(?:-O|-o|-a|--output-document|--output-file|-P|--directory-prefix)$/.test(text) && next !== undefined)
      writeFile(leaf, next);
    else if (/^-O./.test(text)) writeFile(leaf, after(word, 2));
    else if (/^--(?:post|body|method)/.test(text))
      draft.trait("network_egress", "It sends data to another machine.", span);
    else if (/^(?:-i|--input-file|--config|--execute|-e|--use-askpass)/.test(text))
      draft.opaque("`wget` is told more in a file or by a setting.", span);
    if (/^--(?:post|body)-file=/.test(text)) readContent(leaf, after(word, text.indexOf("=") + 1));
  }
  draft.effect("write", "`wget` writes what it fetches.", span);
  return null;
}

/** `rsync` between folders of this machine writes; anything else is the network. Listing is in the tables. */
function synchronise(leaf: Leaf): Done | null {
  const { args, draft, span } = leaf;
  const texts = args.map(({ value, prefix }) => value ?? prefix);
  if (texts.some((text) => /^(?:--dry-run|--list-only|-[a-zA-Z]*n[a-zA-Z]*)$/.test(text))) return null;
  const operands = args.filter(isOperand);
  const away = args.filter((word) => isOperand(word) && (word.value === null || /^[^/]*:/.test(word.value)));
  const starts = texts.find((text) => /^(?:-[a-zA-Z]*e|--rsh|--rsync-path)/.test(text));
  if (starts !== undefined) draft.opaque(`${shown(starts)} starts a program.`, span);
  if (texts.some((text) => /^--(?:del|remove)/.test(text))) {
    draft.effect("delete", "`rsync` deletes what is not on the other side.", span);
    draft.trait("irreversible", "`rsync` deletes what is not on the other side.", span);
  }
  if (away.length > 0) return null;
  for (const word of operands.slice(0, -1)) readContent(leaf, word);
  const target = operands.at(-1);
  draft.effect("write", "`rsync` copies files.", span);
  if (target !== undefined) writeFile(leaf, target);
  if (args.some((word) => !isOperand(word) && word.value === null))
    draft.opaque("`rsync` is given a word that is not known.", span);
  return DONE;
}

const LISTING = grammar(
  "-tvzjJaOpWkRi -f: --list --verbose --gzip --bzip2 --xz --auto-compress --file: --exclude: --wildcards --no-recursion --full-time --utc --force-local",
);

/** `tar -t` lists; whatever packs, unpacks or starts programs is for the tables. */
function archive(leaf: Leaf): Done | null {
  const [first, ...rest] = leaf.args;
  // The oldest way of writing it has no dash.
  const bundled = first?.value != null && /^[a-zA-Z]+$/.test(first.value) && first.value.includes("t");
  const dashed: readonly Word[] = bundled
    ? [{ ...first, value: `-${first.value}`, prefix: `-${first.value}` }, ...rest]
    : leaf.args;
  const read: Arguments = readArguments(LISTING, dashed);
  const lists = read.flags.some(({ name }) => name === "-t" || name === "--list");
  const files = read.flags
    .filter(({ name }) => name === "-f" || name === "--file")
    .map(({ value }) => value?.value ?? null);
  // A colon in its name makes an archive one of another machine, fetched with rsh.
  if (read.problem !== null || !lists || files.some((file) => file === null || file.includes(":"))) return null;
  leaf.draft.effect("read", `${shown(leaf.head)} lists an archive.`, leaf.span);
  return DONE;
}

/** `tee` with nothing but terminals to write to only passes on what it gets. */
function tee(leaf: Leaf): Done | null {
  const { operands, problem } = readArguments(grammar("-aip --append --ignore-interrupts"), leaf.args);
  if (problem !== null || operands.some(({ value }) => value === null)) return null;
  leaf.draft.effect("read", "`tee` passes on what it gets.", leaf.span);
  for (const word of operands) writeFile(leaf, word);
  return DONE;
}
