import { openFindings, quoted } from "../../core/risk/index.ts";
import type { Classification, Findings } from "../../core/risk/index.ts";
import {
  GCLOUD_ESCALATIONS,
  GCLOUD_EVASIONS,
  GCLOUD_EXPORTS,
  GCLOUD_READS,
  GCLOUD_SECRETS,
} from "./gcloud-commands.ts";
import { isSecretPath, tellUnknownWords, withinLimits, wordSet } from "./words.ts";
import type { Word } from "./words.ts";

/** Words that a command's path has at most. */
const PATH_WORDS_MAX = 6;
const TRACKS: ReadonlySet<string> = new Set(["alpha", "beta", "preview"]);
/** `gcloud config get-value` prints settings; these hold no secret. */
const PLAIN_SETTING = /^(?:core\/)?(?:project|account|disable_prompts)$|^compute\/(?:zone|region)$|^run\/region$/;

/** Options of reading commands that change neither what is called nor where it goes, with a value and without. */
const VALUED =
  wordSet(`--project --region --regions --zone --zones --location --format --filter --limit --page-size --sort-by --verbosity
--organization --folder --cluster --instance --dataset --namespace --platform --keyring --key --secret --service
--job --network --database --freshness --order --topic --subscription --repository --package --iam-account
--managed-by --queue --environment --bucket --view --severity --start-time --end-time --scope --query --asset-types
--access-levels --policy --pool --delivery-pipeline --release --configuration --account --billing-project --resource
--router --workload-identity-pool --name --type --min-log-level --execution-id --parent --resource-names
--crypto-key`);
const SWITCHES =
  wordSet(`--version --global --quiet -q --uri --flatten-results --show-deleted --enabled --available --no-user-output-enabled
--user-output-enabled --long -l --recursive -r -R --help -h --full --no-standard-images --include-tags --ongoing
--sort-ascending --readable-sizes --json --managed --all --installed --show-events`);

const DELETING = /^(?:delete|destroy|remove|rm|purge|abandon|clear|reset|detach|disable|cancel|drain)(?:-|$)/;
const RUNNING = /^(?:run|execute|call|invoke|submit|ssh|scp|exec|resume|start|restart|publish|seek|rsync)(?:-|$)/;
const DEPLOYING = /^(?:deploy|promote|rollback|migrate|upgrade|replace|rollout|set-traffic|update-traffic)(?:-|$)/;

type Call = {
  /** The bare words before the first option, without the release track. */
  readonly path: readonly string[];
  readonly rest: readonly string[];
  readonly options: readonly { readonly name: string; readonly value: string | undefined }[];
};

/** What a command line of gcloud does, of its words after `gcloud`. Only commands that are listed as reading can pass. */
export function classifyGcloud(words: readonly Word[]): Classification {
  const found = openFindings();
  if (!withinLimits(words, found)) return found.done();
  tellUnknownWords(words, found);
  const call = parse(words);
  judgeOptions(call, found);
  judgePath(call, found);
  return found.done();
}

function parse(words: readonly Word[]): Call {
  const path: string[] = [];
  const rest: string[] = [];
  const options: { name: string; value: string | undefined }[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? null;
    if (word === null) rest.push("");
    else if (word.startsWith("-") && word !== "-") {
      const equals = word.indexOf("=");
      const name = equals < 0 ? word : word.slice(0, equals);
      // A value cannot begin with a dash unless it is written after `=`.
      const apart = equals < 0 && VALUED.has(name) && words[at + 1]?.startsWith("-") !== true;
      options.push({
        name,
        value: equals >= 0 ? word.slice(equals + 1) : apart ? (words[at + 1] ?? undefined) : undefined,
      });
      if (apart) at += 1;
    } else if (rest.length > 0 || path.length >= PATH_WORDS_MAX) rest.push(word);
    else if (path.length > 0 || !TRACKS.has(word)) path.push(word);
  }
  return { path, rest, options };
}

function judgePath({ path, rest, options }: Call, found: Findings): void {
  if (path.length === 0) {
    if (options.some(({ name }) => name === "--version" || name === "--help"))
      return found.effect("read", "It shows help.");
    return found.opaque("`gcloud` is called without a command.");
  }
  // An option that is not known may have taken a word of the path as its value: every beginning of the path is looked at.
  const beginnings = path.map((_, at) => path.slice(0, at + 1).join(" "));
  const within = (set: ReadonlySet<string>): string | undefined => beginnings.find((beginning) => set.has(beginning));
  const command = within(GCLOUD_READS);
  found.name("gcloud_commands", command ?? path.slice(0, 4).join(" "));
  judgeLists(within, found);
  if (command === undefined) {
    found.opaque(`${quoted(`gcloud ${path.join(" ")}`)} is not a command that is known to read only.`);
    for (const word of [...path, ...rest.slice(0, 2)].slice(0, PATH_WORDS_MAX)) judgeVerb(word, found);
    return undefined;
  }
  found.effect("read", `\`gcloud ${command}\` only reads.`);
  const setting = path[2];
  if (command === "config get-value" && !PLAIN_SETTING.test(setting ?? ""))
    secret("The setting may be a secret.", found);
  if (command === "config list" && options.some(({ name }) => name === "--all"))
    secret("Settings may be secret.", found);
  return undefined;
}

function judgeLists(within: (set: ReadonlySet<string>) => string | undefined, found: Findings): void {
  const secretly = within(GCLOUD_SECRETS);
  if (secretly !== undefined) secret(`The answer of \`gcloud ${secretly}\` holds secrets.`, found);
  const escalating = within(GCLOUD_ESCALATIONS);
  if (escalating !== undefined) escalate(`\`gcloud ${escalating}\` is a known way to other rights.`, found);
  const hiding = within(GCLOUD_EVASIONS);
  if (hiding !== undefined) found.trait("defence_evasion", `\`gcloud ${hiding}\` can weaken what watches.`);
  const exporting = within(GCLOUD_EXPORTS);
  if (exporting !== undefined) found.effect("export", `\`gcloud ${exporting}\` takes data out.`);
}

/** What a word raises when the command is not known. */
function judgeVerb(word: string, found: Findings): void {
  if (/iam-policy/.test(word) && !word.startsWith("get-")) escalate(`${quoted(word)} changes who may do what.`, found);
  if (/^(?:ssh|scp|start-iap-tunnel|connect)/.test(word))
    found.trait("remote_target", `${quoted(word)} acts elsewhere.`);
  if (/secret|token|credential|password|key-string/.test(word)) {
    secret(`${quoted(word)} speaks of credentials.`, found);
  }
  if (DELETING.test(word)) {
    found.effect("delete", `${quoted(word)} deletes.`);
    if (/^(?:delete|destroy|purge|rm)/.test(word)) {
      found.trait("irreversible", `${quoted(word)} deletes for good.`);
      found.fact("irreversible", true);
    }
  } else if (RUNNING.test(word)) found.effect("execute", `${quoted(word)} makes something run.`);
  else if (DEPLOYING.test(word)) found.effect("deploy", `${quoted(word)} deploys.`);
  else if (
    /^(?:create|update|add|set|patch|enable|import|write|modify|resize|insert|attach|undelete|move)(?:-|$)/.test(word)
  ) {
    found.effect("write", `${quoted(word)} changes something.`);
  }
}

function judgeOptions({ options }: Call, found: Findings): void {
  for (const { name, value } of options) {
    if ("--impersonate-service-account".startsWith(name) && name.length > 4) {
      escalate("It acts as another service account.", found);
      found.trait("privilege_use", "It acts as another service account.");
    } else if ("--access-token-file".startsWith(name) && name.length > 5) {
      found.effect("secret.read", "It reads a token from a file.");
      found.opaque("It acts as whoever the token belongs to.");
    } else if (!VALUED.has(name) && !SWITCHES.has(name))
      found.opaque(`${quoted(name)} is not an option that is known to be harmless.`);
    if (name === "--project" && value !== undefined) found.fact("gcloud_project", value);
    if (value !== undefined && value.length < 1_000 && isSecretPath(value))
      secret("It names a credential file.", found);
  }
}

function escalate(because: string, found: Findings): void {
  found.effect("escalate", because);
  found.trait("privilege_change", because);
}

function secret(because: string, found: Findings): void {
  found.effect("secret.read", because);
  found.trait("secret_access", because);
}
