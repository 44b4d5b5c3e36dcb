import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { loadCloud } from "../../../src/classifiers/cloud/index.ts";
import { covers, passes, summary, words } from "../passing.ts";

const { classifyGcloud, classifyAz } = loadCloud();

const GCLOUD_PASSING = `compute instances list
compute instances list --project p --zones=a,b --format json
--project p compute networks subnets describe default --region r
beta run services list --platform managed
projects get-iam-policy p
iam service-accounts keys list --iam-account a
secrets versions list s
logging read severity>=ERROR --limit 10 --freshness 1d
container clusters list
config get-value project
storage ls gs://b
version
--version`.split("\n");

const GCLOUD_HELD: readonly (readonly [string, RegExp])[] = [
  ["compute instances delete vm", /^delete opaque \| irreversible/],
  ["compute ssh vm --command id", /execute escalate opaque \| privilege_change remote_target/],
  ["compute instances describe vm", /secret.read/],
  ["projects add-iam-policy-binding p --member m --role r", /escalate/],
  ["iam service-accounts keys create k.json --iam-account a", /secret.read escalate/],
  ["iam service-accounts delete a", /delete/],
  ["secrets versions access latest --secret s", /secret.read/],
  ["auth print-access-token", /secret.read/],
  ["sql export sql i gs://b/f --database d", /export/],
  ["storage cp gs://b/k ./here", /export/],
  ["logging sinks delete s", /delete opaque \| defence_evasion irreversible/],
  ["functions deploy f", /deploy escalate/],
  ["config set project p", /write opaque/],
  ["config get-value auth/access_token_file", /secret.read/],
  ["config list --all", /secret.read/],
  ["compute instances list --impersonate-service-account a", /escalate/],
  ["compute instances list --impersonate a", /escalate/],
  ["compute instances list --access-token-file /t", /secret.read/],
  ["compute instances list --flags-file f.yaml", /opaque/],
  ["compute instances list ?", /opaque/],
  ["compute frobnicators list", /opaque/],
  ["compute instances ?", /opaque/],
  ["compute", /opaque/],
  ["", /opaque/],
];

const AZ_PASSING = `vm list
vm show -g g -n vm --query id -o tsv
account show
group list --subscription s
role assignment list --assignee a --all
keyvault secret list --vault-name v
aks show --name c --resource-group g
storage blob list --account-name a -c c --auth-mode login
version
--version`.split("\n");

const AZ_HELD: readonly (readonly [string, RegExp])[] = [
  ["vm delete -g g -n vm --yes", /^delete opaque \| irreversible/],
  [
    "vm run-command invoke -g g -n vm --command-id RunShellScript --scripts id",
    /execute escalate opaque \| privilege_change remote_target/,
  ],
  ["role assignment create --assignee a --role Owner", /write escalate/],
  ["keyvault secret show --vault-name v --name n", /secret.read/],
  ["keyvault set-policy -n v --object-id o", /escalate/],
  ["storage account keys list -n a", /secret.read/],
  ["storage blob download -c c -n b -f x", /export/],
  ["aks get-credentials -n c -g g", /secret.read escalate/],
  ["account get-access-token", /secret.read/],
  ["webapp config appsettings list -n w", /secret.read/],
  ["ad sp create-for-rbac", /secret.read/],
  ["rest --method delete --url https://management.azure.com/x", /escalate/],
  ["monitor diagnostic-settings delete -n d", /delete opaque \| defence_evasion irreversible/],
  ["snapshot grant-access -n s --duration 1", /export secret.read/],
  ["vm list --debug", /secret.read/],
  ["vm list --query @/etc/shadow", /secret.read/],
  ["vm list --no-such-option", /opaque/],
  ["vm list extra", /opaque/],
  ["vm list ?", /opaque/],
  ["vm ?", /opaque/],
  ["frobnicator list", /opaque/],
  ["", /opaque/],
];

test("reading commands of gcloud and az pass", () => {
  for (const line of GCLOUD_PASSING) assert.ok(passes(classifyGcloud(words(line))), `gcloud ${line}`);
  for (const line of AZ_PASSING) assert.ok(passes(classifyAz(words(line))), `az ${line}`);
});

test("every other command of gcloud and az is told as what it is", () => {
  for (const [line, expected] of GCLOUD_HELD) {
    const found = classifyGcloud(words(line));
    assert.ok(!passes(found), `gcloud ${line}`);
    assert.match(summary(found), expected, `gcloud ${line}`);
  }
  for (const [line, expected] of AZ_HELD) {
    const found = classifyAz(words(line));
    assert.ok(!passes(found), `az ${line}`);
    assert.match(summary(found), expected, `az ${line}`);
  }
});

test("options added to a command of gcloud or az never take away what was found", () => {
  const extra = fc.constantFrom(
    "--project p",
    "--quiet",
    "--unknown x",
    "--debug",
    "?",
    "-q",
    "--impersonate-service-account x",
  );
  const extras = fc.array(extra, { maxLength: 4 });
  fc.assert(
    fc.property(
      fc.constantFrom(...GCLOUD_PASSING.filter((line) => line !== "--version"), ...GCLOUD_HELD.map(([line]) => line)),
      extras,
      (line, more) => {
        assert.ok(covers(classifyGcloud(words([line, ...more].join(" ").trim())), classifyGcloud(words(line))), line);
      },
    ),
  );
  fc.assert(
    fc.property(fc.constantFrom(...AZ_PASSING, ...AZ_HELD.map(([line]) => line)), extras, (line, more) => {
      assert.ok(covers(classifyAz(words([line, ...more].join(" ").trim())), classifyAz(words(line))), line);
    }),
  );
});

test("any words at all are classified without a fault", () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom("compute", "instances", "list", "vm", "--project", "-q", "--"),
    fc.constant(null),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (line) => {
      assert.ok(classifyGcloud(line).effects.length > 0);
      assert.ok(classifyAz(line).effects.length > 0);
    }),
  );
});
