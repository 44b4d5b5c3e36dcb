import type { Findings } from "../../core/risk/index.ts";
import type { IamAction } from "./actions.ts";
import { wordSet } from "./words.ts";
import { ESCALATIONS, EVASIONS, EXPORTS, EXPOSURES, listed, NOT_SECRET, SECRET_READS } from "./aws-lists.ts";

/** First words of a name under which a published Read or List really only reads. Level *and* verb must say so. */
const READING = wordSet(`Calculate Check Count Describe Discover Estimate Fetch Filter Get Head Is List Lookup Preview
Query Read Sample Scan Search Select Simulate Validate Verify View`);

/** `BatchGetItem`, `AdminListDevices`: the second word is the verb. */
const LEADING = wordSet("Batch Admin");

const DELETING = wordSet(
  "Abort Cancel Clear Delete Deprovision Destroy Discard Empty Purge Remove Reset Terminate Wipe",
);
const FOR_GOOD = wordSet("Delete Destroy Empty Purge Terminate Wipe");
const STOPPING = wordSet(
  "Deactivate Decommission Deregister Detach Disable Disassociate Failover Pause Reboot Restart Stop Suspend",
);
const RUNNING = wordSet("Activate Execute Invoke Resume Run Send Start Submit");
const DEPLOYING = wordSet("Deploy Publish Release Rollback");

/** Names of answers that carry a credential. A raise only, so that a new action of that kind is held before we list it. */
const SECRET_NAME =
  /Credential|Password|(?<!Next|Continuation|Change|Count|Pagination)Token(?!s?Balance|Vault|Issuer)|Secret|ApiKey|PrivateKey|AccessKey|Presigned|SignedUrl|EmbedUrl|StreamKey|KeyPair/;

/** Rights of others over a resource, which AWS publishes as Write more often than as Permissions management. */
const RIGHTS_NAME = /Permission|ResourcePolicy|AccessPolicy|AccountAccess|Grant(?!s?List)|TrustPolicy|BucketAcl/;

/** What one IAM action does: its published level, our lists, and its verb, each only ever adding. */
export function judgeAction(action: IamAction, found: Findings): void {
  const { service, name, level } = action;
  const id = `${service}:${name}`;
  found.name("aws_actions", id);
  switch (level) {
    case "R":
    case "L":
      judgeRead(action, id, found);
      break;
    case "T":
      found.effect("write", `\`${id}\` changes tags, which policies may depend on.`);
      break;
    case "P":
      escalation(`\`${id}\` is published as Permissions management.`, found);
      judgeVerb(name, id, found);
      break;
    case "W":
      judgeVerb(name, id, found);
      if (RIGHTS_NAME.test(name)) escalation(`\`${id}\` changes rights on a resource.`, found);
      break;
    default:
      level satisfies never;
  }
  judgeLists(service, name, id, found);
}

/** Credentials of the CLI that a role gives to a service: passing a role is using it. */
export function passesRole(because: string, found: Findings): void {
  escalation(because, found);
  found.trait("privilege_use", because);
  found.name("aws_actions", "iam:PassRole");
}

/** What a verb alone says of an operation that is not known otherwise. It never says read. */
export function judgeVerb(name: string, id: string, found: Findings): void {
  const verb = verbOf(name);
  if (DELETING.has(verb) || name.endsWith("Deletion")) {
    found.effect("delete", `\`${id}\` deletes.`);
    if (FOR_GOOD.has(verb) || name.endsWith("Deletion")) {
      found.trait("irreversible", `\`${id}\` deletes for good.`);
      found.fact("irreversible", true);
    }
    return;
  }
  if (STOPPING.has(verb)) found.trait("availability", `\`${id}\` stops or takes something away.`);
  if (RUNNING.has(verb)) found.effect("execute", `\`${id}\` makes something run.`);
  else if (DEPLOYING.has(verb)) found.effect("deploy", `\`${id}\` deploys.`);
  else found.effect("write", `\`${id}\` changes something.`);
}

function judgeRead({ service, name }: IamAction, id: string, found: Findings): void {
  if (READING.has(verbOf(name))) found.effect("read", `\`${id}\` is published as reading.`);
  else found.effect("execute", `\`${id}\` is published as reading, but its name says that it acts.`);
  if (SECRET_NAME.test(name) && !listed(NOT_SECRET, service, name))
    secret(`\`${id}\` answers with credentials.`, found);
}

function judgeLists(service: string, name: string, id: string, found: Findings): void {
  if (listed(ESCALATIONS, service, name)) escalation(`\`${id}\` is a known way to other rights.`, found);
  if (listed(SECRET_READS, service, name)) secret(`The answer of \`${id}\` holds secrets.`, found);
  if (listed(EXPORTS, service, name)) {
    found.effect("export", `\`${id}\` lets data leave.`);
    found.trait("replication", `\`${id}\` copies or shares data.`);
  }
  if (listed(EVASIONS, service, name)) found.trait("defence_evasion", `\`${id}\` can weaken what watches.`);
  if (listed(EXPOSURES, service, name)) {
    found.effect("network", `\`${id}\` can open a way in or out.`);
    found.trait("privilege_change", `\`${id}\` changes who can reach something.`);
  }
}

function escalation(because: string, found: Findings): void {
  found.effect("escalate", because);
  found.trait("privilege_change", because);
}

function secret(because: string, found: Findings): void {
  found.effect("secret.read", because);
  found.trait("secret_access", because);
}

/** The first word of a name in capitals, as `Get` of `GetObject`; of a CLI operation that has none, its first word. */
function verbOf(name: string): string {
  const words = name.split(/(?=[A-Z])|[-_]/).filter((word) => word !== "");
  const [first = "", second = ""] = words.slice(0, 2).map((word) => word[0]?.toUpperCase() + word.slice(1));
  return LEADING.has(first) && second !== "" ? second : first;
}
