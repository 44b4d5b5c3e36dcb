/** Kinds whose change gives, takes or judges rights. */
const RIGHTS = wordSet(`roles clusterroles rolebindings clusterrolebindings serviceaccounts certificatesigningrequests
mutatingwebhookconfigurations validatingwebhookconfigurations validatingadmissionpolicies
validatingadmissionpolicybindings mutatingadmissionpolicies mutatingadmissionpolicybindings apiservices
podsecuritypolicies securitycontextconstraints clustertrustbundles tokenreviews`);

/** Kinds that make containers run. */
const WORKLOADS = wordSet(`pods deployments daemonsets statefulsets replicasets replicationcontrollers jobs cronjobs
podtemplates`);

/** Kinds whose deletion loses what nothing brings back. */
const STORES = wordSet(`namespaces persistentvolumes persistentvolumeclaims volumesnapshots volumesnapshotcontents
customresourcedefinitions secrets configmaps statefulsets nodes`);

/** Kinds of the cluster's own definition. */
const DEFINITIONS = wordSet("customresourcedefinitions apiservices");

/** Kinds that open or close the network. */
const NETWORK = wordSet(
  "services endpoints endpointslices ingresses ingressclasses gateways httproutes networkpolicies",
);

/** Kinds that are known and none of the above. */
const PLAIN = wordSet(`configmaps events componentstatuses limitranges resourcequotas namespaces nodes persistentvolumes
persistentvolumeclaims storageclasses volumeattachments csidrivers csinodes csistoragecapacities priorityclasses
poddisruptionbudgets horizontalpodautoscalers verticalpodautoscalers runtimeclasses leases controllerrevisions
customresourcedefinitions flowschemas prioritylevelconfigurations volumesnapshots volumesnapshotclasses
volumesnapshotcontents selfsubjectaccessreviews subjectaccessreviews localsubjectaccessreviews selfsubjectrulesreviews
selfsubjectreviews podmetrics nodemetrics bindings`);

/** What kubectl also calls a kind. Source: `kubectl api-resources`. */
const SHORT: ReadonlyMap<string, string> = new Map(
  `po pods,no nodes,ns namespaces,svc services,ep endpoints,cm configmaps,sa serviceaccounts,pv persistentvolumes,
pvc persistentvolumeclaims,quota resourcequotas,limits limitranges,rc replicationcontrollers,rs replicasets,
deploy deployments,ds daemonsets,sts statefulsets,cj cronjobs,ev events,cs componentstatuses,ing ingresses,
netpol networkpolicies,pdb poddisruptionbudgets,hpa horizontalpodautoscalers,crd customresourcedefinitions,
crds customresourcedefinitions,csr certificatesigningrequests,sc storageclasses,pc priorityclasses,
psp podsecuritypolicies,scc securitycontextconstraints,vs volumesnapshots`
    .split(/,\s*/)
    .map((pair): [string, string] => {
      const [short = "", long = ""] = pair.split(" ");
      return [short, long];
    }),
);

/** What a kind of object is to us. */
export type Kind = {
  /** The plural, lower case, without group and version: `clusterrolebindings`. */
  readonly plural: string;
  readonly secret: boolean;
  readonly rights: boolean;
  readonly workload: boolean;
  readonly store: boolean;
  readonly definition: boolean;
  readonly network: boolean;
  /** False for kinds that only a cluster's own definitions know. */
  readonly known: boolean;
};

/** A kind by any name that kubectl takes: `po`, `Pod`, `pods`, `deployments.v1.apps`. */
export function kindOf(name: string): Kind {
  const plural = pluralOf(name.split(".", 1)[0]?.toLowerCase() ?? "");
  const secret = plural === "secrets";
  return {
    plural,
    // An unknown kind that speaks of credentials holds them until somebody says otherwise.
    secret: secret || (!isKnown(plural) && /secret|credential|token|password|apikey|accesskey/.test(plural)),
    rights: RIGHTS.has(plural),
    workload: WORKLOADS.has(plural),
    store: STORES.has(plural),
    definition: DEFINITIONS.has(plural),
    network: NETWORK.has(plural),
    known: isKnown(plural),
  };
}

function pluralOf(name: string): string {
  const long = SHORT.get(name) ?? name;
  const plurals = [long, `${long}s`, `${long}es`, `${long.slice(0, -1)}ies`];
  return plurals.find((plural) => isKnown(plural)) ?? long;
}

function isKnown(plural: string): boolean {
  return (
    plural === "secrets" || [RIGHTS, WORKLOADS, STORES, DEFINITIONS, NETWORK, PLAIN].some((kinds) => kinds.has(plural))
  );
}

function wordSet(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}
