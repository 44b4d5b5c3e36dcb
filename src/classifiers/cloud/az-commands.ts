/**
 * Command groups of the Azure CLI, each with the verbs that only read. Our own arrangement from the `az` reference;
 * whatever is not here is opaque. Groups whose answers carry keys, connection strings or app settings are left out.
 */
const READS = `
account|list show list-locations
account management-group|list show
acr|list show check-health check-name show-usage
acr replication|list show
acr repository|list show show-tags show-manifests
acr task|list show logs
acr webhook|list show
ad app|list show
ad app owner|list
ad group|list show
ad group member|list check
ad group owner|list
ad signed-in-user|show
ad sp|list show
ad user|list show get-member-groups
advisor recommendation|list
aks|list show get-versions get-upgrades check-acr
aks nodepool|list show get-upgrades
apim|list show
apim api|list show
appconfig|list show
appservice plan|list show
backup job|list show
backup policy|list show
backup vault|list show
bicep|version list-versions
billing account|list show
cdn endpoint|list show
cdn profile|list show
cognitiveservices account|list show list-skus list-usage
consumption usage|list
container|list show logs
containerapp env|list show
containerapp logs|show
containerapp revision|list show
cosmosdb|list show
cosmosdb mongodb database|list show
cosmosdb sql container|list show
cosmosdb sql database|list show
deployment group|list
deployment operation group|list show
disk|list show
eventgrid topic|list show
eventhubs eventhub|list show
eventhubs namespace|list show
extension|list list-available show
feature|list show
functionapp|list show
functionapp function|list show
functionapp plan|list show
group|list show exists
identity|list show
image|list show
iot hub|list show
keyvault|list show list-deleted check-name
keyvault certificate|list
keyvault key|list
keyvault network-rule|list
keyvault secret|list list-versions
lock|list show
managedapp|list show
mariadb server|list show
ml workspace|list show
monitor action-group|list show
monitor activity-log|list
monitor alert|list show
monitor autoscale|list show
monitor diagnostic-settings|list show
monitor log-analytics workspace|list show
monitor metrics|list list-definitions
monitor metrics alert|list show
mysql db|list show
mysql flexible-server|list show
mysql server|list show
netappfiles account|list show
network application-gateway|list show show-backend-health
network dns record-set|list
network dns zone|list show
network firewall|list show
network front-door|list show
network lb|list show
network nic|list show show-effective-route-table list-effective-nsg
network nsg|list show
network nsg rule|list show
network private-dns zone|list show
network private-endpoint|list show
network public-ip|list show
network route-table|list show
network route-table route|list show
network traffic-manager profile|list show
network vnet|list show
network vnet peering|list show
network vnet subnet|list show
network vnet-gateway|list show
network watcher|list
policy assignment|list show
policy definition|list show
policy state|list summarize
postgres db|list show
postgres flexible-server|list show
postgres server|list show
provider|list show
provider operation|list show
redis|list show
reservations reservation|list show
resource|list
role assignment|list list-changelogs
role definition|list show
search service|list show
security alert|list show
security assessment|list show
security pricing|list show
servicebus namespace|list show
servicebus queue|list show
servicebus subscription|list show
servicebus topic|list show
sf cluster|list show
signalr|list show
sig|list show
sig image-definition|list show
sig image-version|list show
snapshot|list show
sql db|list show list-editions list-usages
sql elastic-pool|list show
sql mi|list show
sql server|list show
sql server ad-admin|list
sql server firewall-rule|list show
staticwebapp|list show
storage account|list show show-usage check-name
storage blob|list show exists
storage container|list show exists
storage file|list show exists
storage share|list show exists
synapse workspace|list show
tag|list
vm|list show list-ip-addresses list-sizes list-skus list-usage get-instance-view
vm extension|list show
vm image|list show list-offers list-publishers list-skus
vmss|list show list-instances get-instance-view
webapp|list show list-runtimes
webapp deployment slot|list
webapp log|show
webapp vnet-integration|list
version|
`;

/** Commands whose answer is, or makes, a credential, or shows settings that hold them. */
const SECRETS = `
account get-access-token
acr credential
acr login
acr token
ad app credential
ad sp create-for-rbac
ad sp credential
aks get-credentials
appconfig credential
appconfig kv
batch account keys
cognitiveservices account keys
containerapp secret
containerapp show
cosmosdb keys
cosmosdb list-connection-strings
cosmosdb list-keys
eventgrid topic key
eventhubs eventhub authorization-rule keys
eventhubs namespace authorization-rule keys
functionapp config appsettings
functionapp deployment list-publishing-credentials
functionapp deployment list-publishing-profiles
functionapp function keys
functionapp keys
iot hub connection-string
iot hub device-identity
keyvault certificate download
keyvault key decrypt
keyvault key download
keyvault secret backup
keyvault secret download
keyvault secret show
login
maps account keys
monitor log-analytics workspace get-shared-keys
redis list-keys
relay namespace authorization-rule keys
search admin-key
search query-key
servicebus namespace authorization-rule keys
servicebus queue authorization-rule keys
signalr key
snapshot grant-access
disk grant-access
staticwebapp secrets
storage account generate-sas
storage account keys
storage account show-connection-string
storage blob generate-sas
storage container generate-sas
storage file generate-sas
storage share generate-sas
synapse workspace key
vm show-secret
webapp config appsettings
webapp config connection-string
webapp deployment list-publishing-credentials
webapp deployment list-publishing-profiles
deployment group export
deployment group show
deployment sub show
group export
spring app show
spring test-endpoint
`;

/** Commands that give rights, run code elsewhere under an identity, or take another identity. */
const ESCALATIONS = `
account set
ad app create
ad app credential
ad app federated-credential
ad app owner add
ad app permission
ad app update
ad group member add
ad group owner add
ad sp create
ad sp credential
ad sp owner add
ad sp update
ad user create
ad user update
aks command invoke
aks get-credentials
aks update
automation runbook
cloud set
container create
container exec
containerapp create
containerapp exec
containerapp job
containerapp update
deployment group create
deployment mg create
deployment sub create
deployment tenant create
functionapp create
functionapp deploy
functionapp deployment
functionapp identity assign
identity create
identity federated-credential
keyvault delete-policy
keyvault role
keyvault set-policy
keyvault update
lock delete
login
logic workflow
policy assignment delete
policy exemption create
rest
role assignment create
role assignment delete
role assignment update
role definition create
role definition update
serial-console connect
sql server ad-admin create
ssh
stack group create
stack sub create
vm create
vm extension set
vm identity assign
vm run-command
vm user
vmss create
vmss extension set
vmss identity assign
vmss run-command
webapp create
webapp deploy
webapp deployment
webapp identity assign
webapp ssh
webapp up
acr run
acr build
acr task run
acr task create
`;

/** Weakens what watches. */
const EVASIONS = `
monitor action-group delete
monitor activity-log alert delete
monitor alert delete
monitor diagnostic-settings delete
monitor diagnostic-settings update
monitor log-analytics workspace delete
monitor log-profiles delete
monitor metrics alert delete
network watcher flow-log delete
security alert update
security atp
security pricing create
sentinel
sql db audit-policy
sql server audit-policy
security setting update
`;

/** Takes data out. */
const EXPORTS = `
appconfig kv export
backup restore
cosmosdb restore
disk grant-access
snapshot create
snapshot grant-access
sql db copy
sql db export
storage azcopy
storage blob copy
storage blob download
storage blob download-batch
storage blob sync
storage copy
storage file copy
storage file download
storage file download-batch
sig image-version create
image create
acr import
`;

/** The reading commands as whole paths. */
export const AZ_READS: ReadonlySet<string> = new Set(
  READS.trim()
    .split("\n")
    .flatMap((line) => {
      const [group = "", verbs = ""] = line.split("|");
      return verbs === "" ? [group] : verbs.split(" ").map((verb) => `${group} ${verb}`);
    }),
);
export const AZ_SECRETS: ReadonlySet<string> = pathSet(SECRETS);
export const AZ_ESCALATIONS: ReadonlySet<string> = pathSet(ESCALATIONS);
export const AZ_EVASIONS: ReadonlySet<string> = pathSet(EVASIONS);
export const AZ_EXPORTS: ReadonlySet<string> = pathSet(EXPORTS);

function pathSet(text: string): ReadonlySet<string> {
  return new Set(text.trim().split("\n"));
}
