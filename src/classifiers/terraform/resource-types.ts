import type { Findings } from "../../core/risk/index.ts";

/** Resource types whose names say that they hold rights, whatever the provider. Raises only. */
const RIGHTS =
  /(?:^|_)(?:iam|role|roles|policy|policies|permission|permissions|grant|grants|acl|user|users|group|group_membership|service_account|access_key|login_profile|assume|trust|identity|membership|kms_key|access_policy|app_password|api_key|api_token|token|saml|oidc|rbac|principal|assignment)(?:_|$)/;

/** Types that decide who reaches what over the network. */
const NETWORK =
  /(?:^|_)(?:security_group|security_group_rule|security_rule|firewall|firewall_rule|network_acl|nacl|route|route_table|internet_gateway|nat_gateway|vpc|vpc_peering_connection|peering|subnet|eip|public_ip|lb|alb|elb|listener|load_balancer|dns_record|record|record_set|zone|vpn|ingress|network_policy|endpoint|api_gateway|function_url|cdn|distribution)(?:_|$)/;

/** Types that hold data which no plan brings back. */
const STORES =
  /(?:^|_)(?:db|database|rds|sql|mysql|postgres|postgresql|aurora|dynamodb|redshift|cosmosdb|mongodb|elasticache|redis|memcached|opensearch|elasticsearch|s3_bucket|storage_bucket|bucket|storage_account|storage_container|blob|container_registry|ecr_repository|artifact_registry|disk|ebs|volume|snapshot|efs|fsx|filesystem|file_system|file_share|backup|vault|kms_key|kms_crypto_key|key_ring|secret|secretsmanager|cognito_user_pool|user_pool|dns_zone|zone|project|namespace|log_group|logs|kinesis|firehose|queue|topic|table|dataset|bigquery|spanner|bigtable|firestore|neptune|docdb|glacier|lake|cluster|persistent_volume|organization|account)(?:_|$)/;

/** Types that watch. */
const WATCHES =
  /(?:^|_)(?:cloudtrail|guardduty|securityhub|security_center|config_configuration_recorder|config_rule|flow_log|log_group|logging|log_sink|sink|audit|alarm|alert|metric_alarm|monitor|detector|macie|inspector|diagnostic_setting|waf|wafv2|shield|budget)(?:_|$)/;

/** Types whose creation, update or reading runs something of the configuration's choosing. */
const RUNS =
  /^(?:null_resource|terraform_data|external|shell_script|http|local_file|local_sensitive_file)$|(?:^|_)(?:lambda|function|instance|vm|virtual_machine|ecs_task|task_definition|job|cronjob|deployment|stateful_set|daemon_set|pod|codebuild|pipeline|helm_release|manifest|kubectl|run_command|ssm_document|ssm_association|automation|script|command|cloudformation_stack|app_engine|cloud_run|container_app|webhook|schedule|scheduler|event_rule|event_target|launch_template|launch_configuration)(?:_|$)/;

/** Data sources and resources whose values are secrets. */
const SECRETS =
  /(?:^|_)(?:secret|secrets|secret_version|password|private_key|credentials?|token|ssm_parameter|access_key|keyvault|key_vault|vault|kubeconfig|caller_token|authorization_token|sensitive)(?:_|$)/;

/** What a resource's type says of any change to it; a type that says nothing is still a change. */
export function judgeType(type: string, label: string, found: Findings): void {
  const short = type.slice(0, 256).toLowerCase();
  if (RIGHTS.test(short)) {
    found.effect("escalate", `${label} decides who may do what.`);
    found.trait("privilege_change", `${label} decides who may do what.`);
  }
  if (NETWORK.test(short)) {
    found.effect("network", `${label} decides who reaches what.`);
    found.trait("privilege_change", `${label} decides who reaches what.`);
  }
  if (RUNS.test(short)) found.effect("execute", `${label} runs something.`);
  if (SECRETS.test(short)) found.trait("secret_access", `${label} holds secrets.`);
}

/** Whether a type holds data that no plan brings back. */
export function isStore(type: string): boolean {
  return STORES.test(type.slice(0, 256).toLowerCase());
}

/** Whether a type watches or records. */
export function isWatch(type: string): boolean {
  return WATCHES.test(type.slice(0, 256).toLowerCase());
}

/** Whether reading a type shows secrets. */
export function isSecret(type: string): boolean {
  return SECRETS.test(type.slice(0, 256).toLowerCase());
}

/** Whether reading a type as a data source runs or fetches something of the configuration's choosing. */
export function isRunWhenRead(type: string): boolean {
  return /^(?:external|http|shell_script|local_command|aws_lambda_invocation|aws_lambda_function_invocation)$/.test(
    type,
  );
}
