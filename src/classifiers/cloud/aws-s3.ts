import { quoted } from "../../core/risk/index.ts";
import type { Findings } from "../../core/risk/index.ts";
import { isSecretPath, wordSet } from "./words.ts";
import type { Word } from "./words.ts";

const SWITCHES =
  wordSet(`--recursive --dryrun --quiet --only-show-errors --no-progress --delete --human-readable --summarize
--follow-symlinks --no-follow-symlinks --exact-timestamps --size-only --force --no-guess-mime-type --guess-mime-type
--force-glacier-transfer --ignore-glacier-warnings --no-overwrite --no-sign-request --no-paginate --no-cli-pager`);
const VALUED =
  wordSet(`--include --exclude --acl --grants --storage-class --content-type --cache-control --content-disposition
--content-encoding --content-language --expires --metadata --page-size --metadata-directive --sse --sse-c
--sse-c-key --sse-kms-key-id --sse-c-copy-source --sse-c-copy-source-key --request-payer --expected-size
--copy-props --source-region --region --profile --output --query --color --expires-in --bucket-name-prefix
--bucket-region --index-document --error-document --cli-read-timeout --cli-connect-timeout --checksum-algorithm`);

type Transfer = { readonly paths: readonly string[]; readonly options: ReadonlySet<string>; readonly sure: boolean };

/** What `aws s3 …` does, of the words after the subcommand; false when the subcommand is not one of its own. */
export function judgeS3(subcommand: string, words: readonly Word[], found: Findings): boolean {
  const transfer = read(words);
  const recursive = transfer.options.has("--recursive") || subcommand === "sync";
  switch (subcommand) {
    case "ls":
      found.effect("read", "`aws s3 ls` lists names.");
      break;
    case "cp":
    case "mv":
    case "sync":
      copy(subcommand, transfer, recursive, found);
      break;
    case "rm":
      if (!rehearsed(transfer)) remove("`aws s3 rm` deletes objects.", recursive, found);
      else found.effect("read", "`--dryrun` only shows what would be deleted.");
      break;
    case "rb":
      remove("`aws s3 rb` deletes a bucket.", transfer.options.has("--force"), found);
      break;
    case "mb":
      found.effect("write", "`aws s3 mb` makes a bucket.");
      break;
    case "presign":
      found.effect("secret.read", "`aws s3 presign` prints a URL that is as good as a credential.");
      found.trait("secret_access", "Whoever has the URL reads the object.");
      break;
    case "website":
      found.effect("write", "`aws s3 website` publishes a bucket as a web site.");
      found.trait("privilege_change", "A bucket becomes a web site.");
      break;
    default:
      return false;
  }
  found.name("aws_actions", `s3 ${subcommand}`);
  if (!transfer.sure) found.opaque("`aws s3` has an option that is not known, so that its paths are not sure.");
  return true;
}

function read(words: readonly Word[]): Transfer {
  const paths: string[] = [];
  const options = new Set<string>();
  let sure = true;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at];
    if (word === undefined || word === null) sure = false;
    else if (word === "-" || !word.startsWith("-")) paths.push(word);
    else {
      const name = word.split("=", 1)[0] ?? word;
      options.add(name);
      if (VALUED.has(name)) at += word.includes("=") ? 0 : 1;
      else if (!SWITCHES.has(name) || word !== name) sure = false;
    }
  }
  return { paths, options, sure };
}

/** `--dryrun` as a word of its own, with nothing unknown beside it, only lists. */
function rehearsed({ options, sure }: Transfer): boolean {
  return options.has("--dryrun") && sure;
}

function copy(subcommand: string, transfer: Transfer, recursive: boolean, found: Findings): void {
  const { paths, options, sure } = transfer;
  const [source, target] = paths;
  if (source === undefined || target === undefined || paths.length > 2) {
    found.opaque(`\`aws s3 ${subcommand}\` needs two paths.`);
  }
  if (rehearsed(transfer) && paths.length === 2) {
    found.effect("read", "`--dryrun` only shows what would be copied.");
    return;
  }
  const what = `\`aws s3 ${subcommand}\``;
  const fromS3 = source?.startsWith("s3://") ?? false;
  const toS3 = target?.startsWith("s3://") ?? false;
  if (fromS3) found.effect("read", `${what} reads objects.`);
  else upload(what, source, found);
  if (toS3) found.effect("write", `${what} writes objects.`);
  else if (target !== "-") {
    found.effect("write", `${what} writes local files.`);
    found.effect("export", `${what} takes objects out of the bucket.`);
  }
  if (fromS3 && toS3) found.effect("export", `${what} copies objects to another place.`);
  if (recursive && !(target === "-" && sure)) found.trait("unbounded", `${what} takes everything below the path.`);
  if (subcommand === "mv") remove(`${what} deletes what it moved.`, recursive, found);
  if (options.has("--delete")) remove("`--delete` deletes what the source does not have.", true, found);
  if ([...options].some((name) => name.startsWith("--ac") || name.startsWith("--gr"))) {
    found.effect("escalate", "The copy sets who may read the objects.");
    found.trait("privilege_change", "The copy sets who may read the objects.");
  }
}

function upload(what: string, source: string | undefined, found: Findings): void {
  found.effect("export", `${what} sends local files to a bucket.`);
  found.effect("network", `${what} sends local files out.`);
  found.trait("network_egress", `${what} sends local files out.`);
  if (source !== undefined && isSecretPath(source)) {
    found.effect("secret.read", `${quoted(source)} looks like a credential.`);
    found.trait("exfiltration", `${quoted(source)} looks like a credential and is sent.`);
  }
}

function remove(because: string, everything: boolean, found: Findings): void {
  found.effect("delete", because);
  found.trait("irreversible", because);
  found.fact("irreversible", true);
  if (everything) found.trait("unbounded", because);
}
