// What is under deploy/, as far as it can be held to something without a container engine or a cluster.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import type { JsonObject } from "../../src/core/action/index.ts";
import { LIMITS_DEFAULT } from "../../src/engine/index.ts";
import { loadConfig, type Config } from "../../src/server/config.ts";
import { DRAIN_MAX_MS } from "../../src/server/pressure.ts";
import { debian, ran } from "../peers/tools.ts";
import { ROOT } from "../support/process.ts";
import { composeFaults, kubernetesFaults } from "./schemas.ts";

const at = (path: string): string => readFileSync(join(ROOT, "deploy", path), "utf8");
const folder = mkdtempSync(join(tmpdir(), "keyturn-deploy-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("the image runs as nobody special, keeps state in one volume, and starts what the binary knows", () => {
  const lines = at("Dockerfile").replaceAll(/\\\n/g, " ").split("\n");
  const of = (word: string): readonly string[] => lines.filter((line) => line.startsWith(`${word} `));
  assert.deepEqual(of("USER"), ["USER 1000:1000"]);
  assert.ok(lines.lastIndexOf("USER 1000:1000") < lines.findIndex((line) => line.startsWith("ENTRYPOINT")));
  for (const from of of("FROM"))
    assert.match(from, /^FROM node:24-\w+-slim/, "a named release of the Node that the server needs");
  const command = JSON.parse(of("CMD")[0]?.slice(4) ?? "[]") as readonly string[];
  assert.equal(command[0], "serve");
  assert.ok(of("VOLUME")[0]?.includes(command[command.indexOf("--data") + 1] ?? "-"));
  assert.ok(!lines.some((line) => /\b(?:sudo|curl|ADD http|:latest)\b/.test(line)));
  for (const install of lines.filter((line) => /npm (?:ci|install|i)\b/.test(line)))
    assert.match(install, /npm ci\b/, "the packages of the lock file and no others");
  const ignored = at("Dockerfile.dockerignore").split("\n");
  for (const secret of ["**/data", "**/secrets", "**/*.pem", "**/*.token", "**/*.url"])
    assert.ok(ignored.includes(secret));
});

type Service = {
  readonly image: string;
  readonly command?: readonly string[];
  readonly secrets?: readonly string[];
  readonly configs?: readonly { readonly source: string }[];
  readonly depends_on?: object;
  readonly environment?: Readonly<Record<string, string>>;
};

test("the compose file names no secret's content, and every secret and service that it uses", () => {
  const file = parse(at("compose.yaml"), { merge: true }) as {
    services: Record<string, Service>;
    secrets: Record<string, { file: string }>;
    configs: Record<string, { content: string }>;
  };
  for (const [name, { image, secrets = [], configs = [], depends_on: needs = {} }] of Object.entries(file.services)) {
    assert.match(image, /^keyturn$|:[\w.-]+$/, name);
    assert.doesNotMatch(image, /:latest$/);
    for (const secret of secrets) assert.ok(file.secrets[secret] !== undefined, `${name}: ${secret}`);
    for (const { source } of configs) assert.ok(file.configs[source] !== undefined, `${name}: ${source}`);
    for (const other of Array.isArray(needs) ? needs : Object.keys(needs))
      assert.ok(file.services[String(other)] !== undefined);
  }
  for (const { file: path } of Object.values(file.secrets)) assert.match(path, /^\.\/secrets\//);
  // Compose itself would put its own variables in for a single `$`.
  for (const { content } of Object.values(file.configs)) assert.doesNotMatch(content.replaceAll("$$", ""), /\$/);
  const page = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
  for (const { file: path } of Object.values(file.secrets))
    assert.ok(page.includes(path.slice(2)), `how to make ${path}`);
  assert.deepEqual(file.services["migrate"]?.command?.slice(0, 2), ["store", "migrate"]);
});

/** Each is a mistake in the compose file, and what has to be said against it. */
const COMPOSE_MISTAKES: readonly (readonly [from: string, to: string, said: RegExp])[] = [
  ["mem_limit: 2g", "memlimit: 2g", /^invalid-schema: .*"\/services\/one".*additional properties/],
  ["read_only: true", "read_only: [yes]", /^invalid-schema: .*read_only.*must be/],
  ["secrets: [owner.url]", "secrets: owner.url", /^invalid-schema: .*"\/services\/migrate\/secrets".*must be array/],
  ["condition: service_healthy", "condition: healthy", /^invalid-schema: .*"\/services\/migrate\/depends_on"/],
  ['"127.0.0.1:7117:7117"', '"7117:7117"', /^no-unbound-port-interfaces: /],
];

test("the compose file is one of the Compose specification, and a linter would see a mistake in it", () => {
  assert.deepEqual(composeFaults(join(ROOT, "deploy/compose.yaml")), []);
  const path = join(folder, "compose.yaml");
  for (const [from, to, said] of COMPOSE_MISTAKES) {
    const text = at("compose.yaml");
    assert.ok(text.includes(from), from);
    writeFileSync(path, text.replaceAll(from, to));
    assert.match(composeFaults(path).join("\n"), said, to);
  }
});

type KubernetesObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
  readonly data?: Record<string, string>;
  readonly spec?: JsonObject;
};

const CHART = "helm/keyturn";

/** Go's templates with Sprig, as Helm has them; or why they are not here. */
function renderer(): { readonly program: string } | string {
  const files = ["github.com/Masterminds/sprig", "sigs.k8s.io/yaml"].map((path) => `/usr/share/gocode/src/${path}`);
  const packages = ["golang-go", "golang-github-masterminds-sprig-dev", "golang-k8s-sigs-yaml-dev"];
  const missing = debian(["/usr/bin/go", ...files], packages);
  if (missing !== null) return missing;
  const source = join(folder, "gopath/src/render");
  mkdirSync(source, { recursive: true });
  copyFileSync(join(ROOT, "test/deploy/render/main.go"), join(source, "main.go"));
  const program = join(folder, "render");
  const env = {
    GO111MODULE: "off",
    GOPATH: `${join(folder, "gopath")}:/usr/share/gocode`,
    GOCACHE: join(folder, "gocache"),
    GOFLAGS: "",
    GOTOOLCHAIN: "local",
  };
  const built = ran("/usr/bin/go", ["build", "-o", program, join(source, "main.go")], "", env);
  assert.equal(built.code, 0, built.err);
  return { program };
}

/** What the chart becomes with these values over its own, by kind and name; or what Helm would say against them. */
function rendered(program: string, over: JsonObject = {}): Map<string, KubernetesObject> | string {
  const dir = join(ROOT, "deploy", CHART, "templates");
  const templates = Object.fromEntries(
    readdirSync(dir).map((name) => [
      name.endsWith(".tpl") ? name : `templates/${name}`,
      at(`${CHART}/templates/${name}`),
    ]),
  );
  const data = {
    Values: { ...(parse(at(`${CHART}/values.yaml`)) as object), ...over },
    Release: { Name: "prod", Service: "Helm", Namespace: "keyturn" },
    Chart: { AppVersion: "0.1.0" },
  };
  const { code, out, err } = ran(program, [], JSON.stringify({ templates, data }));
  if (code !== 0) return err;
  const objects = new Map<string, KubernetesObject>();
  for (const [name, text] of Object.entries(JSON.parse(out) as Record<string, string>)) {
    if (!name.endsWith(".yaml")) continue;
    for (const document of parseAllDocuments(text, { strict: true, uniqueKeys: true })) {
      assert.deepEqual(document.errors, [], name);
      const object = document.toJS() as KubernetesObject | null;
      if (object !== null) objects.set(`${object.kind} ${object.metadata.name}`, object);
    }
  }
  return objects;
}

/** A server's settings, as the chart writes them and the server reads them. */
function settingsOf(objects: Map<string, KubernetesObject>): Config {
  const path = join(folder, "keyturn.yaml");
  writeFileSync(path, objects.get("ConfigMap prod-keyturn")?.data?.["keyturn.yaml"] ?? "");
  return loadConfig(path);
}

test("the chart renders into objects of Kubernetes, and into settings that the server takes", (t) => {
  const found = renderer();
  if (typeof found === "string") return t.skip(found);
  const objects = rendered(found.program);
  assert.ok(typeof objects !== "string", JSON.stringify(objects));
  assert.deepEqual([...objects.keys()].toSorted(), [
    "ConfigMap prod-keyturn",
    "Deployment prod-keyturn",
    "Job prod-keyturn-migrate",
    "PodDisruptionBudget prod-keyturn",
    "Service prod-keyturn",
  ]);
  const pods = ["Deployment prod-keyturn", "Job prod-keyturn-migrate"].map((name) => JSON.stringify(objects.get(name)));
  for (const text of pods) {
    assert.match(text, /"runAsNonRoot":true,"runAsUser":1000/);
    assert.match(
      text,
      /"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":\{"drop":\["ALL"\]\}/,
    );
    assert.match(text, /"seccompProfile":\{"type":"RuntimeDefault"\}/);
    assert.match(text, /"automountServiceAccountToken":false/);
    assert.match(text, /"limits":\{"memory":"/);
  }
  const config = settingsOf(objects);
  assert.deepEqual(config.store, { url: { file: "/run/keyturn/database.url" }, ledger: "main", wake: "notify" });
  for (const path of ["/run/keyturn", "/etc/keyturn/rules", "/etc/keyturn/policies", config.data])
    assert.ok(pods[0]?.includes(`"mountPath":"${path}"`), path);
  const [selector, labels] = [at("helm/keyturn/templates/service.yaml"), objects.get("Job prod-keyturn-migrate")];
  assert.match(selector, /selector: .*keyturn\.selector/);
  assert.doesNotMatch(
    JSON.stringify(labels?.spec),
    /"app.kubernetes.io\/name":"keyturn"/,
    "a migration takes no requests",
  );
});

test("settings, private registries and a network policy can be added to the chart, but none that lets everybody in", (t) => {
  const found = renderer();
  if (typeof found === "string") return t.skip(found);
  const settings = { limits: { waiters: 5000 }, ledger: { public: true } };
  const from = [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "ingress" } } }];
  const egress = [{ ports: [{ protocol: "TCP", port: 5432 }] }];
  const over = { settings, imagePullSecrets: [{ name: "registry" }], networkPolicy: { enabled: true, from, egress } };
  const objects = rendered(found.program, over);
  assert.ok(typeof objects !== "string", JSON.stringify(objects));
  const config = settingsOf(objects);
  assert.deepEqual([config.limits.waitersMax, config.ledger?.public], [5000, true]);
  for (const name of ["Deployment prod-keyturn", "Job prod-keyturn-migrate"])
    assert.match(JSON.stringify(objects.get(name)), /"imagePullSecrets":\[\{"name":"registry"\}\]/);
  const policy = objects.get("NetworkPolicy prod-keyturn")?.spec as { ingress: unknown; egress: unknown[] } | undefined;
  assert.deepEqual(policy?.ingress, [{ from, ports: [{ protocol: "TCP", port: "http" }] }]);
  assert.deepEqual(policy?.egress.slice(1), egress);
  const open = rendered(found.program, { networkPolicy: { enabled: true, from: [], egress } });
  assert.match(JSON.stringify(open), /networkPolicy\.from has to name who may call/);
  const few = rendered(found.program, { migrate: { enabled: false } });
  assert.ok(typeof few !== "string" && !few.has("Job prod-keyturn-migrate"));
});

/** Each is a mistake in what the chart renders, and what has to be said against it. */
const KUBERNETES_MISTAKES: readonly (readonly [from: string, to: string, said: RegExp])[] = [
  ['"timeoutSeconds":2', '"timeoutSecond":2', /'"timeoutSecond"' does not exist in type 'IProbe'/],
  ['"drop":["ALL"]', '"dropp":["ALL"]', /'"dropp"' does not exist in type 'ICapabilities'/],
  ['"policyTypes"', '"policyType"', /'"policyType"' does not exist in type 'INetworkPolicySpec'/],
  ['"replicas":3', '"replicas":"3"', /apps\/v1 Deployment: .*replicas must be integer/],
  ['"memory":"2Gi"', '"memory":"two"', /apps\/v1 Deployment: .*memory must match/],
  ['"image":', '"imagee":', /'"imagee"' does not exist in type 'IContainer'/],
  ['"containers":', '"container":', /apps\/v1 Deployment: .*required property containers/],
  ["policy/v1", "policy/v1beta1", /policy\/v1beta1 PodDisruptionBudget: not a stable version/],
  ["batch/v1", "batch/v2", /batch\/v2 Job: /],
];

test("what the chart renders is what the API of Kubernetes takes, and a mistake in it would be seen", async (t) => {
  const found = renderer();
  if (typeof found === "string") return t.skip(found);
  const from = [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "ingress" } } }];
  const over = { imagePullSecrets: [{ name: "registry" }], networkPolicy: { enabled: true, from, egress: [] } };
  const objects = rendered(found.program, over);
  assert.ok(typeof objects !== "string", JSON.stringify(objects));
  assert.equal(objects.size, 6);
  assert.deepEqual(await kubernetesFaults(objects.values(), folder), []);
  const text = JSON.stringify([...objects.values()]);
  for (const [right, wrong, said] of KUBERNETES_MISTAKES) {
    assert.ok(text.includes(right), right);
    const mistaken = JSON.parse(text.replaceAll(right, wrong)) as readonly KubernetesObject[];
    assert.match((await kubernetesFaults(mistaken, folder)).join("\n"), said, wrong);
  }
});

test("every way to run it gives a server the time that it drains, and the descriptors and the memory of its waiters", (t) => {
  const compose = parse(at("compose.yaml"), { merge: true }) as { services: Record<string, Record<string, unknown>> };
  const one = compose.services["one"];
  assert.deepEqual(
    [one?.["stop_grace_period"], one?.["mem_limit"], one?.["ulimits"]],
    ["30s", "2g", { nofile: 65536 }],
  );
  const unit = at("keyturn.service");
  assert.match(unit, /^TimeoutStopSec=30$/m);
  assert.match(unit, /^LimitNOFILE=65536$/m);
  assert.ok(DRAIN_MAX_MS < 30_000 && LIMITS_DEFAULT.waitersMax + 1000 < 65_536);
  const found = renderer();
  if (typeof found === "string") return t.skip(found);
  const objects = rendered(found.program);
  assert.ok(typeof objects !== "string", JSON.stringify(objects));
  const text = JSON.stringify(objects.get("Deployment prod-keyturn"));
  const grace = Number(/"terminationGracePeriodSeconds":(\d+)/.exec(text)?.[1]);
  const sleep = Number(/"preStop":\{"exec":\{"command":\["sleep","(\d+)"\]/.exec(text)?.[1]);
  assert.ok(grace - sleep >= 2 * (DRAIN_MAX_MS / 1000), "a server is told to end only after the sleep");
  assert.match(text, /"limits":\{"memory":"2Gi"\}/);
});

test(
  "the unit is one that systemd takes",
  { skip: existsSync("/usr/bin/systemd-analyze") ? false : "systemd is not installed" },
  () => {
    const out = execFileSync("/usr/bin/systemd-analyze", ["verify", join(ROOT, "deploy/keyturn.service")], {
      encoding: "utf8",
    });
    assert.equal(out, "");
  },
);
