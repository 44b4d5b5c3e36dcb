/**
 * Command groups of gcloud, each with the verbs that only read. Our own arrangement from the gcloud reference; whatever is
 * not here is opaque, so that a new group is held until somebody has looked at it.
 */
const READS = `
access-context-manager levels|list describe
access-context-manager perimeters|list describe
access-context-manager policies|list describe
ai endpoints|list describe
ai models|list describe list-version
ai custom-jobs|list describe
alloydb backups|list describe
alloydb clusters|list describe
alloydb instances|list describe
app instances|list describe
app regions|list
app services|list describe
app versions|list
app operations|list describe
app domain-mappings|list describe
app firewall-rules|list describe
app logs|read
artifacts docker images|list describe
artifacts docker tags|list
artifacts files|list describe
artifacts locations|list
artifacts packages|list describe
artifacts repositories|list describe get-iam-policy
artifacts tags|list
artifacts versions|list describe
asset|list search-all-resources search-all-iam-policies analyze-iam-policy
auth|list
batch jobs|list describe
batch tasks|list describe
bigtable backups|list describe get-iam-policy
bigtable clusters|list describe
bigtable instances|list describe get-iam-policy
bigtable tables|list describe
billing accounts|list describe get-iam-policy
billing budgets|list describe
billing projects|list describe
builds|list describe log
builds triggers|list describe
certificate-manager certificates|list describe
certificate-manager maps|list describe
cloud-shell|get-mount-command
components|list
composer environments|list describe
composer operations|list describe
compute accelerator-types|list describe
compute addresses|list describe
compute backend-buckets|list describe
compute backend-services|list describe get-health
compute commitments|list describe
compute disk-types|list describe
compute disks|list describe get-iam-policy
compute external-vpn-gateways|list describe
compute firewall-policies|list describe
compute firewall-rules|list describe
compute forwarding-rules|list describe
compute health-checks|list describe
compute images|list describe describe-from-family get-iam-policy
compute instance-groups|list describe list-instances get-named-ports
compute instance-groups managed|list describe list-instances list-errors
compute instances|list get-guest-attributes get-iam-policy
compute interconnects|list describe
compute machine-images|list describe
compute machine-types|list describe
compute network-endpoint-groups|list describe
compute networks|list describe get-effective-firewalls
compute networks peerings|list list-routes
compute networks subnets|list describe get-iam-policy list-usable
compute operations|list describe
compute regions|list describe
compute reservations|list describe
compute resource-policies|list describe
compute routers|list describe get-status get-nat-mapping-info
compute routers nats|list describe
compute routes|list describe
compute security-policies|list describe
compute security-policies rules|describe
compute snapshots|list describe get-iam-policy
compute ssl-certificates|list describe
compute ssl-policies|list describe
compute target-http-proxies|list describe
compute target-https-proxies|list describe
compute target-pools|list describe get-health
compute tpus|list describe
compute url-maps|list describe validate
compute vpn-gateways|list describe get-status
compute zones|list describe
config|list get-value
config configurations|list
container clusters|list
container images|list describe list-tags
container node-pools|list describe
container operations|list describe
container|get-server-config
container fleet memberships|list describe
container hub memberships|list describe
dataflow jobs|list describe
dataflow metrics|list
dataproc clusters|list describe
dataproc jobs|list describe
dataproc operations|list describe
dataproc workflow-templates|list describe
datastore indexes|list describe
datastore operations|list describe
deploy delivery-pipelines|list describe
deploy releases|list describe
deploy rollouts|list describe
deploy targets|list describe
deployment-manager deployments|list describe
deployment-manager resources|list describe
dns managed-zones|list describe
dns policies|list describe
dns project-info|describe
dns record-sets|list describe
dns record-sets changes|list describe
endpoints services|list describe
eventarc triggers|list describe
filestore instances|list describe
filestore backups|list describe
firestore databases|list describe
firestore indexes composite|list describe
firestore operations|list describe
functions|list get-iam-policy
functions logs|read
functions runtimes|list
iam list-grantable-roles|
iam list-testable-permissions|
iam roles|list describe
iam service-accounts|list describe get-iam-policy
iam service-accounts keys|list
iam workload-identity-pools|list describe
iam workload-identity-pools providers|list describe
iap web|get-iam-policy
identity groups|describe search
identity groups memberships|list describe
info|
kms keyrings|list describe get-iam-policy
kms keys|list describe get-iam-policy
kms keys versions|list describe get-public-key
kms locations|list describe
logging|read list
logging buckets|list describe
logging logs|list
logging metrics|list describe
logging resource-descriptors|list
logging sinks|list describe
monitoring channels|list describe
monitoring dashboards|list describe
monitoring policies|list describe
network-management connectivity-tests|list describe
org-policies|list describe
organizations|list describe get-iam-policy get-ancestors-iam-policy
policy-intelligence|query-activity
projects|list describe get-iam-policy get-ancestors get-ancestors-iam-policy
pubsub schemas|list describe
pubsub snapshots|list describe
pubsub subscriptions|list describe get-iam-policy
pubsub topics|list describe get-iam-policy list-subscriptions list-snapshots
recommender recommendations|list describe
recommender insights|list describe
redis instances|list describe
redis operations|list describe
resource-manager folders|list describe get-iam-policy
resource-manager org-policies|list describe
resource-manager tags keys|list describe
resource-manager tags values|list describe
run domain-mappings|list describe
run jobs|list get-iam-policy
run jobs executions|list
run regions|list
run revisions|list
run services|list get-iam-policy
run services logs|read
scc findings|list
scc sources|list describe
scheduler jobs|list describe
secrets|list describe get-iam-policy
secrets locations|list describe
secrets versions|list describe
services|list
services vpc-peerings|list
spanner backups|list describe
spanner databases|list describe get-iam-policy
spanner databases ddl|describe
spanner instances|list describe get-iam-policy
spanner operations|list describe
sql backups|list describe
sql databases|list describe
sql flags|list
sql instances|list describe
sql operations|list describe
sql ssl-certs|list describe
sql tiers|list
sql users|list describe
storage|ls du hash
storage buckets|list describe get-iam-policy
storage buckets notifications|list describe
storage objects|list describe
tasks|list describe
tasks queues|list describe get-iam-policy
transfer jobs|list describe
transfer operations|list describe
version|
workflows|list describe
workflows executions|list describe
workstations|list describe
`;

/** Commands whose answer is, or makes, a credential; or holds the environment of a program. */
const SECRETS = `
alpha services api-keys get-key-string
auth application-default print-access-token
auth print-access-token
auth print-identity-token
auth login
auth application-default login
auth activate-service-account
compute connect-to-serial-port
compute instances describe
compute instances get-serial-port-output
compute instance-templates describe
compute instance-templates list
compute project-info describe
compute reset-windows-password
compute sign-url
container clusters describe
container clusters get-credentials
container fleet memberships get-credentials
container hub memberships get-credentials
functions describe
iam service-accounts keys create
iam service-accounts sign-blob
iam service-accounts sign-jwt
iam workload-identity-pools create-cred-config
kms asymmetric-decrypt
kms decrypt
kms raw-decrypt
redis instances get-auth-string
run jobs describe
run jobs executions describe
run revisions describe
run services describe
secrets versions access
services api-keys get-key-string
services api-keys create
sql generate-login-token
sql ssl-certs create
sql ssl client-certs create
storage hmac create
storage sign-url
`;

/** Commands that give rights, run code elsewhere under a role, or take another identity. */
const ESCALATIONS = `
ai custom-jobs create
app deploy
auth activate-service-account
builds submit
builds triggers create
builds triggers run
cloud-shell ssh
composer environments create
composer environments run
compute instances add-iam-policy-binding
compute instances add-metadata
compute instances create
compute instances create-with-container
compute instances set-service-account
compute os-login ssh-keys add
compute project-info add-metadata
compute reset-windows-password
compute scp
compute ssh
compute start-iap-tunnel
container clusters create
container clusters get-credentials
dataflow jobs run
dataproc clusters create
dataproc jobs submit
deployment-manager deployments create
deployment-manager deployments update
functions call
functions deploy
iam roles create
iam roles update
iam roles undelete
iam roles copy
iam service-accounts create
iam service-accounts enable
iam service-accounts keys create
iam service-accounts keys upload
iam service-accounts sign-blob
iam service-accounts sign-jwt
iam service-accounts undelete
iam workload-identity-pools create
iam workload-identity-pools providers create-oidc
iam workload-identity-pools providers create-aws
iam workload-identity-pools providers update-oidc
identity groups memberships add
infra-manager deployments apply
org-policies delete
org-policies reset
org-policies set-policy
projects create
resource-manager org-policies disable-enforce
run deploy
run jobs deploy
run jobs execute
run jobs create
run services replace
scheduler jobs create http
scheduler jobs run
services api-keys create
services enable
sql users create
sql users set-password
storage hmac create
workflows deploy
workflows execute
workflows run
`;

/** Weakens what watches. */
const EVASIONS = `
logging buckets delete
logging buckets update
logging logs delete
logging metrics delete
logging sinks create
logging sinks delete
logging sinks update
logging settings update
monitoring policies delete
monitoring channels delete
monitoring dashboards delete
scc findings update
scc muteconfigs create
scc notifications delete
compute networks subnets update
pubsub topics delete
`;

/** Takes data out. */
const EXPORTS = `
asset export
bigtable backups copy
compute disks snapshot
compute images create
compute images export
compute machine-images create
compute snapshots create
container images add-tag
dataflow sql query
datastore export
firestore export
kms keys versions export
logging copy
redis instances export
spanner databases execute-sql
sql backups create
sql export bak
sql export csv
sql export sql
sql instances clone
storage cp
storage rsync
storage mv
storage cat
transfer jobs create
`;

/** The reading commands as whole paths. */
export const GCLOUD_READS: ReadonlySet<string> = new Set(
  READS.trim()
    .split("\n")
    .flatMap((line) => {
      const [group = "", verbs = ""] = line.split("|");
      return verbs === "" ? [group] : verbs.split(" ").map((verb) => `${group} ${verb}`);
    }),
);
export const GCLOUD_SECRETS: ReadonlySet<string> = pathSet(SECRETS);
export const GCLOUD_ESCALATIONS: ReadonlySet<string> = pathSet(ESCALATIONS);
export const GCLOUD_EVASIONS: ReadonlySet<string> = pathSet(EVASIONS);
export const GCLOUD_EXPORTS: ReadonlySet<string> = pathSet(EXPORTS);

function pathSet(text: string): ReadonlySet<string> {
  return new Set(text.trim().split("\n"));
}
