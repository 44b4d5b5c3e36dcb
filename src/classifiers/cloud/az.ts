import { openFindings, quoted } from "../../core/risk/index.ts";
import type { Classification, Findings } from "../../core/risk/index.ts";
import { AZ_ESCALATIONS, AZ_EVASIONS, AZ_EXPORTS, AZ_READS, AZ_SECRETS } from "./az-commands.ts";
import { isSecretPath, splitWords, tellUnknownWords, withinLimits, wordSet } from "./words.ts";
import type { Option, Word } from "./words.ts";

/** Words that a command's path has at most. */
const PATH_WORDS_MAX = 6;

/** Options of reading commands that change neither what is called nor where it goes. */
const OPTIONS =
  wordSet(`--name -n --resource-group -g --subscription --query --output -o --location -l --ids --only-show-errors
--resource-type --namespace --tag --account-name --container-name -c --vnet-name --nsg-name --server --server-name
-s --vault-name --zone-name --registry -r --repository --cluster-name --workspace-name --assignee --scope --all
--include-inherited --include-groups --role --top --orderby --detail --display-name --filter --id --group --resource
--metric --metrics --interval --start-time --end-time --offset --show-details -d --namespace-name --topic-name
--policy --custom-role-only --gateway-name --profile-name --auth-mode --prefix --num-results --max-items
--aggregation --vmss-name --instance-id --member-id --upn-or-object-id --publisher --offer --sku --edition --lb-name
--nic-name --help -h --version -v --show-next --container --share-name -p --path --env --plan`);

const DELETING = /^(?:delete|destroy|remove|purge|clear|revoke|unassign|detach|reset|disable|cancel|deallocate)(?:-|$)/;
const RUNNING =
  /^(?:run|run-command|execute|invoke|exec|start|stop|restart|ssh|connect|submit|trigger|simulate)(?:-|$)/;
const DEPLOYING = /^(?:deploy|deployment|up|upgrade|swap|rollout|promote|apply)(?:-|$)/;
const WRITING =
  /^(?:create|update|set|add|import|upload|assign|attach|enable|regenerate|renew|restore|copy|move|grant|generate|resize|scale|approve|register|invite|tag|lock)(?:-|$)/;

/** What a command line of the Azure CLI does, of its words after `az`. Only commands that are listed as reading can pass. */
export function classifyAz(words: readonly Word[]): Classification {
  const found = openFindings();
  if (!withinLimits(words, found)) return found.done();
  tellUnknownWords(words, found);
  const { bare, options } = splitWords(words);
  const path = bare.slice(0, PATH_WORDS_MAX).map((word) => word ?? "?");
  judgeOptions(options, found);
  judgePath(path, options, found);
  // A switch before the command takes the command for its value here, so that its verbs are looked at as well.
  if (!AZ_READS.has(path.join(" "))) {
    for (const { values } of options) for (const value of values) judgeVerb(value ?? "", found);
  }
  return found.done();
}

function judgePath(path: readonly string[], options: readonly Option[], found: Findings): void {
  const command = path.join(" ");
  if (path.length === 0) {
    if (options.some(({ name }) => name === "--version" || name === "--help"))
      return found.effect("read", "It shows help.");
    return found.opaque("`az` is called without a command.");
  }
  const beginnings = path.map((_, at) => path.slice(0, at + 1).join(" "));
  found.name("az_commands", path.slice(0, 4).join(" "));
  judgeLists(beginnings, found);
  const reading = beginnings.find((beginning) => AZ_READS.has(beginning));
  if (reading !== undefined) found.effect("read", `\`az ${reading}\` only reads.`);
  // Positional arguments are rare in `az`: a reading command is the whole path or it is not known.
  if (reading === command) return undefined;
  found.opaque(`${quoted(`az ${command}`)} is not a command that is known to read only.`);
  for (const word of path) judgeVerb(word, found);
  return undefined;
}

function judgeLists(beginnings: readonly string[], found: Findings): void {
  const within = (set: ReadonlySet<string>): string | undefined => beginnings.find((beginning) => set.has(beginning));
  const secretly = within(AZ_SECRETS);
  if (secretly !== undefined) secret(`The answer of \`az ${secretly}\` holds secrets.`, found);
  const escalating = within(AZ_ESCALATIONS);
  if (escalating !== undefined) escalate(`\`az ${escalating}\` is a known way to other rights.`, found);
  const hiding = within(AZ_EVASIONS);
  if (hiding !== undefined) found.trait("defence_evasion", `\`az ${hiding}\` can weaken what watches.`);
  const exporting = within(AZ_EXPORTS);
  if (exporting !== undefined) {
    found.effect("export", `\`az ${exporting}\` takes data out.`);
    found.trait("replication", `\`az ${exporting}\` copies or shares data.`);
  }
}

function judgeVerb(word: string, found: Findings): void {
  if (/^(?:secrets?|credentials?|keys|sas|password|token|connection-strings?)$/.test(word)) {
    secret(`${quoted(word)} speaks of credentials.`, found);
  }
  if (/^(?:ssh|run-command|exec|serial-console|invoke)/.test(word)) {
    found.trait("remote_target", `${quoted(word)} acts on another machine.`);
  }
  if (DELETING.test(word)) {
    found.effect("delete", `${quoted(word)} deletes.`);
    if (/^(?:delete|destroy|purge)/.test(word)) {
      found.trait("irreversible", `${quoted(word)} deletes for good.`);
      found.fact("irreversible", true);
    }
  } else if (RUNNING.test(word)) found.effect("execute", `${quoted(word)} makes something run.`);
  else if (DEPLOYING.test(word)) found.effect("deploy", `${quoted(word)} deploys.`);
  else if (WRITING.test(word)) found.effect("write", `${quoted(word)} changes something.`);
}

function judgeOptions(options: readonly Option[], found: Findings): void {
  for (const { name, values } of options) {
    if (name === "--debug" || name === "--verbose") secret("It prints what is sent, tokens too.", found);
    else if (!OPTIONS.has(name)) found.opaque(`${quoted(name)} is not an option that is known to be harmless.`);
    for (const value of values) {
      if (value === null) continue;
      if (name === "--subscription") found.fact("az_subscription", value);
      if (!value.startsWith("@")) continue;
      found.effect("network", `The local file ${quoted(value)} is sent as a parameter.`);
      found.trait("file_access", `The local file ${quoted(value)} is read and sent.`);
      if (isSecretPath(value.slice(1))) secret(`${quoted(value)} looks like a credential.`, found);
    }
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
