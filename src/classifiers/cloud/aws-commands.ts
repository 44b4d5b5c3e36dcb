import type { Effect, TraitId } from "../../core/risk/index.ts";

/** The IAM prefixes of CLI services whose name is not their prefix. Source: the service models of botocore. */
const PREFIXES: ReadonlyMap<string, readonly string[]> = tableOf(`
accessanalyzer access-analyzer
amp aps
apigatewayv2 apigateway
appconfigdata appconfig
appintegrations app-integrations
application-insights applicationinsights
applicationcostprofiler application-cost-profiler
backupsearch backup-search
bedrock-agent bedrock
bedrock-agent-runtime bedrock
bedrock-agentcore-control bedrock-agentcore
bedrock-data-automation bedrock
bedrock-data-automation-runtime bedrock
bedrock-runtime bedrock
chime-sdk-identity chime
chime-sdk-media-pipelines chime
chime-sdk-meetings chime
chime-sdk-messaging chime
chime-sdk-voice chime
cleanroomsml cleanrooms-ml
cloudcontrol cloudformation
cloudhsmv2 cloudhsm
cloudsearchdomain cloudsearch
codeguruprofiler codeguru-profiler
compute-optimizer-automation aco-automation
configservice config
connect-contact-lens connect
connectcampaigns connect-campaigns
connectcampaignsv2 connect-campaigns
connectcases cases
connecthealth health-agent
customer-profiles profile
deploy codedeploy
devops-agent aidevops
docdb rds
dynamodbstreams dynamodb
efs elasticfilesystem
elb elasticloadbalancing
elbv2 elasticloadbalancing
elementalinference elemental-inference
emr elasticmapreduce
finspace-data finspace-api
forecastquery forecast
greengrassv2 greengrass
iot-data iot
iot-jobs-data iot
iot-managed-integrations iotmanagedintegrations
iotevents-data iotevents
ivs-realtime ivs
keyspaces cassandra
keyspacesstreams cassandra
kinesis-video-archived-media kinesisvideo
kinesis-video-media kinesisvideo
kinesis-video-signaling kinesisvideo
kinesis-video-webrtc-storage kinesisvideo
kinesisanalyticsv2 kinesisanalytics
launch-wizard launchwizard
lex-models lex
lex-runtime lex
lexv2-models lex
lexv2-runtime lex
location geo
mailmanager ses
marketplace-agreement aws-marketplace
marketplace-catalog aws-marketplace
marketplace-deployment aws-marketplace
marketplace-discovery aws-marketplace
marketplace-entitlement aws-marketplace
marketplace-reporting aws-marketplace
mediastore-data mediastore
meteringmarketplace aws-marketplace
migration-hub-refactor-spaces refactor-spaces
migrationhub-config mgh
migrationhuborchestrator migrationhub-orchestrator
migrationhubstrategy migrationhub-strategy
mwaa airflow
mwaa-serverless airflow-serverless
neptune rds
neptunedata neptune-db
notificationscontacts notifications-contacts
opensearch es
opensearchserverless aoss
payment-cryptography-data payment-cryptography
personalize-events personalize
personalize-runtime personalize
pinpoint mobiletargeting
pinpoint-email ses
pinpoint-sms-voice sms-voice
pinpoint-sms-voice-v2 sms-voice
qconnect wisdom
resourcegroupstaggingapi tag
s3api s3
s3control s3
s3outposts s3-outposts
sagemaker-a2i-runtime sagemaker
sagemaker-edge sagemaker
sagemaker-featurestore-runtime sagemaker
sagemaker-metrics sagemaker
sagemaker-runtime sagemaker
service-quotas servicequotas
servicecatalog-appregistry servicecatalog
sesv2 ses
signer-data signer
simpledbv2 sdb
socialmessaging social-messaging
sso-admin sso
sso-oidc sso-oauth
stepfunctions states
supplychain scn
support-app supportapp
taxsettings tax
timestream-query timestream
timestream-write timestream
voice-id voiceid
workspaces-thin-client thinclient
`);

/** Operations that need an IAM action of another name. Source: the AWS service authorization reference. */
const ACTIONS: ReadonlyMap<string, readonly string[]> = tableOf(
  `
s3api list-buckets|s3:ListAllMyBuckets
s3api head-bucket list-objects list-objects-v2|s3:ListBucket
s3api head-object get-object-torrent|s3:GetObject
s3api list-object-versions|s3:ListBucketVersions
s3api list-multipart-uploads|s3:ListBucketMultipartUploads
s3api list-parts|s3:ListMultipartUploadParts
s3api get-bucket-encryption|s3:GetEncryptionConfiguration
s3api get-bucket-lifecycle get-bucket-lifecycle-configuration|s3:GetLifecycleConfiguration
s3api get-bucket-replication|s3:GetReplicationConfiguration
s3api get-bucket-accelerate-configuration|s3:GetAccelerateConfiguration
s3api get-bucket-analytics-configuration list-bucket-analytics-configurations|s3:GetAnalyticsConfiguration
s3api get-bucket-inventory-configuration list-bucket-inventory-configurations|s3:GetInventoryConfiguration
s3api get-bucket-metrics-configuration list-bucket-metrics-configurations|s3:GetMetricsConfiguration
s3api get-bucket-intelligent-tiering-configuration list-bucket-intelligent-tiering-configurations|s3:GetIntelligentTieringConfiguration
s3api get-bucket-notification-configuration|s3:GetBucketNotification
s3api get-object-lock-configuration|s3:GetBucketObjectLockConfiguration
s3api get-public-access-block|s3:GetBucketPublicAccessBlock
s3api copy-object|s3:GetObject s3:PutObject
s3api create-multipart-upload upload-part upload-part-copy complete-multipart-upload|s3:PutObject
s3api delete-objects|s3:DeleteObject
s3api delete-bucket-cors put-bucket-cors|s3:PutBucketCORS
s3api delete-bucket-encryption put-bucket-encryption|s3:PutEncryptionConfiguration
s3api delete-bucket-lifecycle put-bucket-lifecycle put-bucket-lifecycle-configuration|s3:PutLifecycleConfiguration
s3api delete-bucket-replication put-bucket-replication|s3:PutReplicationConfiguration
s3api delete-bucket-tagging|s3:PutBucketTagging
s3api put-bucket-inventory-configuration delete-bucket-inventory-configuration|s3:PutInventoryConfiguration
s3api put-bucket-notification-configuration|s3:PutBucketNotification
s3api put-object-lock-configuration|s3:PutBucketObjectLockConfiguration
s3api put-public-access-block delete-public-access-block|s3:PutBucketPublicAccessBlock
s3api delete-bucket-ownership-controls|s3:PutBucketOwnershipControls
s3api select-object-content|s3:GetObject
s3control get-public-access-block|s3:GetAccountPublicAccessBlock
s3control put-public-access-block delete-public-access-block|s3:PutAccountPublicAccessBlock
lambda invoke|lambda:InvokeFunction
lambda invoke-async|lambda:InvokeAsync
lambda get-layer-version-by-arn|lambda:GetLayerVersion
logs tail|logs:FilterLogEvents
accessanalyzer get-finding-v2|access-analyzer:GetFinding
accessanalyzer list-findings-v2|access-analyzer:ListFindings
budgets describe-budget describe-budgets describe-notifications-for-budget describe-subscribers-for-notification describe-budget-performance-history|budgets:ViewBudget
dynamodb execute-statement execute-transaction batch-execute-statement|dynamodb:PartiQLSelect dynamodb:PartiQLInsert dynamodb:PartiQLUpdate dynamodb:PartiQLDelete
dynamodb transact-write-items|dynamodb:PutItem dynamodb:DeleteItem
dynamodb transact-get-items|dynamodb:GetItem
deadline batch-get-job|deadline:GetJob
emr create-cluster|elasticmapreduce:RunJobFlow
emr add-steps|elasticmapreduce:AddJobFlowSteps
emr terminate-clusters|elasticmapreduce:TerminateJobFlows
glue get-unfiltered-table-metadata|glue:GetTable
iot-data publish|iot:Publish
iot-data list-named-shadows-for-thing|iot:ListNamedShadowsForThing
kms re-encrypt|kms:ReEncryptFrom kms:ReEncryptTo
kms generate-data-key-pair|kms:GenerateDataKeyPair
timestream-query query|timestream:Select
iam create-policy-version|iam:CreatePolicyVersion
configservice get-status|config:DescribeConfigurationRecorderStatus
cloudtrail validate-logs|cloudtrail:DescribeTrails s3:GetObject
`,
  true,
);

/** What a command of the CLI itself does, that is no single call. */
export type OwnCommand = {
  readonly effects: readonly Effect[];
  readonly traits: readonly TraitId[];
  readonly because: string;
};

const OWN: ReadonlyMap<string, OwnCommand> = new Map([
  own(
    "cloudformation deploy",
    ["deploy", "escalate"],
    ["privilege_change"],
    "deploys a template under the stack's role",
  ),
  own("cloudformation package", ["write", "export"], ["network_egress"], "uploads local files"),
  own("cloudtrail create-subscription", ["write"], [], "creates a trail"),
  own("cloudtrail update-subscription", ["write"], ["defence_evasion"], "changes a trail"),
  own("cloudtrail verify-query-results", ["read"], ["file_access"], "reads local files"),
  own("codeartifact login", ["secret.read", "write"], ["secret_access"], "writes a token into a tool's configuration"),
  own("codecommit credential-helper", ["secret.read"], ["secret_access"], "prints a password"),
  own("configure", ["write"], ["privilege_use", "code_injection"], "changes the configuration of the CLI"),
  own("configure export-credentials", ["secret.read"], ["secret_access"], "prints the credentials"),
  own("configure import", ["write"], ["privilege_use", "file_access"], "writes credentials into the profiles"),
  own("configure set", ["write"], ["privilege_use", "code_injection"], "changes a profile of the CLI"),
  own("configure sso", ["write"], ["privilege_use"], "changes a profile of the CLI"),
  own("configure sso-session", ["write"], ["privilege_use"], "changes a profile of the CLI"),
  own("configure add-model", ["write"], ["code_injection"], "changes what the CLI knows"),
  own("configure mfa-login", ["secret.read", "write"], ["secret_access"], "obtains credentials"),
  own("configure list", ["read"], [], "shows the configuration, with masked keys"),
  own("configure list-profiles", ["read"], [], "shows the names of the profiles"),
  own("configservice subscribe", ["write"], [], "starts a recorder"),
  own("datapipeline create-default-roles", ["escalate"], ["privilege_change"], "creates roles"),
  own("deploy push", ["export", "write"], ["network_egress"], "uploads local files"),
  own("deploy install", ["execute"], ["program_execution", "persistence"], "installs an agent on this machine"),
  own("deploy uninstall", ["execute"], ["program_execution"], "removes an agent of this machine"),
  own("deploy register", ["escalate"], ["privilege_change"], "registers a machine under a user or role"),
  own("dlm create-default-role", ["escalate"], ["privilege_change"], "creates a role"),
  own("ec2-instance-connect ssh", ["execute", "escalate"], ["remote_target"], "opens a shell on another machine"),
  own(
    "ec2-instance-connect open-tunnel",
    ["network", "escalate"],
    ["remote_target"],
    "opens a tunnel to another machine",
  ),
  own("ecr get-login", ["secret.read"], ["secret_access"], "prints a password"),
  own("ecr get-login-password", ["secret.read"], ["secret_access"], "prints a password"),
  own("ecr-public get-login-password", ["secret.read"], ["secret_access"], "prints a password"),
  own("ecs deploy", ["deploy", "escalate"], ["privilege_change"], "deploys containers under a role"),
  own("eks get-token", ["secret.read"], ["secret_access"], "prints a token"),
  own("eks update-kubeconfig", ["write"], ["privilege_use"], "changes where kubectl acts"),
  own("emr create-default-roles", ["escalate"], ["privilege_change"], "creates roles"),
  own("emr get", ["read", "write"], ["remote_target", "file_access"], "copies a file from another machine"),
  own("emr put", ["write", "export"], ["remote_target", "network_egress"], "copies a file to another machine"),
  own("emr socks", ["network"], ["remote_target"], "opens a tunnel to another machine"),
  own("emr ssh", ["execute"], ["remote_target"], "runs a command on another machine"),
  own("gamelift upload-build", ["export", "deploy"], ["network_egress"], "uploads local files"),
  own("gamelift get-game-session-log", ["read", "write"], [], "writes a local file"),
  own("lightsail push-container-image", ["export", "deploy"], ["network_egress"], "uploads an image"),
  own("login", ["secret.read", "write"], ["secret_access"], "obtains credentials"),
  own("logout", ["delete"], [], "removes the local credentials"),
  own("opsworks register", ["escalate"], ["privilege_change"], "registers a machine"),
  own("rds generate-db-auth-token", ["secret.read"], ["secret_access"], "prints a password"),
  own("dsql generate-db-connect-auth-token", ["secret.read"], ["secret_access"], "prints a password"),
  own("dsql generate-db-connect-admin-auth-token", ["secret.read"], ["secret_access"], "prints a password"),
  own("servicecatalog generate", ["deploy"], [], "creates a product"),
  own("ssm start-session", ["execute", "escalate"], ["remote_target", "privilege_change"], "opens a shell elsewhere"),
  own("sso login", ["secret.read", "write"], ["secret_access"], "obtains credentials"),
  own("sso logout", ["delete"], [], "removes the local credentials"),
  own("sso get-role-credentials", ["secret.read", "escalate"], ["secret_access"], "prints credentials of a role"),
  own("sso list-accounts", ["read"], [], "lists the accounts of a token"),
  own("sso list-account-roles", ["read"], [], "lists the roles of a token"),
  own("sso-oidc create-token", ["secret.read"], ["secret_access"], "obtains a token"),
]);

/** Read operations of API Gateway, whose IAM actions are HTTP methods and say nothing. Keys and exports are not here. */
export const API_GATEWAY_READS: ReadonlySet<string> = new Set(
  `get-account get-authorizer get-authorizers get-base-path-mapping get-base-path-mappings get-client-certificate
get-client-certificates get-deployment get-deployments get-documentation-part get-documentation-parts
get-documentation-version get-documentation-versions get-domain-name get-domain-names get-gateway-response
get-gateway-responses get-integration get-integration-response get-integration-responses get-integrations get-method
get-method-response get-model get-model-template get-models get-request-validator get-request-validators get-resource
get-resources get-rest-api get-rest-apis get-route get-route-response get-route-responses get-routes get-sdk-type
get-sdk-types get-tags get-usage get-usage-plan get-usage-plans get-vpc-link get-vpc-links get-api get-api-mapping
get-api-mappings get-apis get-stage get-stages`.split(/\s+/),
);

/** The IAM prefixes of a CLI service, of its own name too: whatever one of them calls grave is grave. */
export function prefixesOf(service: string): readonly string[] {
  return [...new Set([...(PREFIXES.get(service) ?? []), service])];
}

/** `service:Name` of an operation whose action has another name. */
export function actionsOf(service: string, operation: string): readonly string[] {
  return ACTIONS.get(`${service} ${operation}`) ?? [];
}

/** A command of the CLI itself: `service operation`, or a service that is a command. */
export function ownCommand(service: string, operation: string): OwnCommand | undefined {
  return OWN.get(`${service} ${operation}`) ?? OWN.get(service);
}

function own(
  name: string,
  effects: readonly Effect[],
  traits: readonly TraitId[],
  because: string,
): readonly [string, OwnCommand] {
  return [name, { effects, traits, because: `\`aws ${name}\` ${because}.` }];
}

/** Lines `key value…`, or with several operations `service operation…|value…`. */
function tableOf(text: string, operations = false): ReadonlyMap<string, readonly string[]> {
  const table = new Map<string, readonly string[]>();
  for (const line of text.trim().split("\n")) {
    const [left = "", right = ""] = operations
      ? line.split("|")
      : [line.split(" ")[0], line.split(" ").slice(1).join(" ")];
    const [service = "", ...names] = left.split(" ");
    for (const name of operations ? names : [""]) table.set(`${service} ${name}`.trim(), right.split(" "));
  }
  return table;
}
