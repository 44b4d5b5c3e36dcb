import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { classifyHttp } from "../../../src/classifiers/http/index.ts";
import type { RequestRule } from "../../../src/core/risk/index.ts";
import type { HttpRequest } from "../../../src/classifiers/http/index.ts";
import { covers, passes, summary } from "../passing.ts";

const RULES: readonly RequestRule[] = [
  { host: "api.example.com", methods: ["GET", "HEAD"], path: "/v1/users/{id}", query: ["page"], effects: ["read"] },
  { host: "api.example.com", methods: ["GET"], path: "/", effects: ["read"] },
  { host: "api.example.com", methods: ["POST"], path: "/v1/search", effects: ["read"] },
  { host: "api.example.com", methods: ["GET"], path: "/v1/export", effects: ["export"] },
  { host: "10.0.0.5", port: 8080, scheme: "http", methods: ["GET"], path: "/status", effects: ["read"] },
  { host: "169.254.169.254", scheme: "http", methods: ["GET"], path: "/latest", effects: ["read"] },
  { host: "api.example.com", methods: ["GET"], path: "/nothing", effects: [] },
];

function ask(method: string, url: string, rest: Partial<HttpRequest> = {}): string {
  return summary(classifyHttp({ method, url, ...rest }, RULES));
}

const REQUESTS: readonly (readonly [string, string, string])[] = [
  ["GET", "https://api.example.com/v1/users/7", "read"],
  ["HEAD", "https://api.example.com/v1/users/7?page=2", "read"],
  ["GET", "https://api.example.com", "read"],
  ["GET", "https://api.example.com/", "read"],
  ["GET", "http://10.0.0.5:8080/status", "read"],
  ["GET", "https://api.example.com/v1/export", "export"],
  ["GET", "https://api.example.com/nothing", "opaque"],
  ["POST", "https://api.example.com/v1/search", "read write | network_egress"],
  ["DELETE", "https://api.example.com/v1/users/7", "network delete opaque"],
  ["PUT", "https://api.example.com/v1/users/7", "write network opaque | network_egress"],
  ["get", "https://api.example.com/v1/users/7", "network opaque"],
  ["TRACE", "https://api.example.com/v1/users/7", "network opaque"],
  ["GET", "https://api.example.com/v1/users/7/keys", "network opaque"],
  ["GET", "https://api.example.com/v1/users/", "network opaque"],
  ["GET", "https://api.example.com/v1/users/7?debug=1", "network opaque"],
  ["GET", "https://api.example.com:8443/v1/users/7", "network opaque"],
  ["GET", "http://api.example.com/v1/users/7", "network opaque | network_egress"],
  ["GET", "https://evil.example/v1/users/7", "network opaque"],
  ["GET", "https://api.example.com.evil.example/v1/users/7", "network opaque"],
  ["GET", "http://169.254.169.254/latest", "read secret.read | secret_access"],
  ["GET", "http://169.254.169.254/latest/meta-data/", "network secret.read opaque | network_egress secret_access"],
  ["GET", "http://169.254.170.2/v2/credentials", "network secret.read opaque | network_egress secret_access"],
  ["GET", "https://metadata.google.internal/x", "network secret.read opaque | secret_access"],
  ["GET", "https://[fd00:ec2::254]/x", "network secret.read opaque | secret_access"],
  ["GET", "https://[::ffff:a9fe:a9fe]/x", "network secret.read opaque | secret_access"],
  ["GET", "https://[64:ff9b::a9fe:a9fe]/x", "network secret.read opaque | secret_access"],
  ["GET", "https://[::1]/x", "network secret.read opaque | secret_access"],
  ["GET", "https://10.1.2.3/x", "network secret.read opaque | secret_access"],
  ["GET", "https://192.168.0.1/x", "network secret.read opaque | secret_access"],
  ["GET", "https://localhost/x", "network secret.read opaque | secret_access"],
  ["GET", "https://a.localhost/x", "network secret.read opaque | secret_access"],
  ["GET", "https://intranet/x", "network secret.read opaque | secret_access"],
  ["GET", "https://169.254.169.254.nip.io/x", "network secret.read opaque | secret_access"],
  ["GET", "https://8.8.8.8/x", "network opaque"],
  ["GET", "https://[2606:4700::1111]/x", "network opaque"],
];

test("requests are told by method, host, path and query", () => {
  for (const [method, url, expected] of REQUESTS) {
    assert.equal(ask(method, url), expected, `${method} ${url}`);
    assert.equal(passes(classifyHttp({ method, url }, RULES)), expected === "read", `${method} ${url}`);
  }
});

test("a body and steering headers never go with a plain read", () => {
  const url = "https://api.example.com/v1/users/7";
  assert.equal(ask("GET", url, { body: "" }), "read");
  assert.equal(ask("GET", url, { body: 0 }), "read");
  assert.equal(ask("GET", url, { headers: ["Accept", "Authorization"] }), "read");
  assert.equal(ask("GET", url, { body: "x" }), "read network | network_egress");
  assert.equal(ask("GET", url, { body: 12 }), "read network | network_egress");
  for (const name of [
    "Host",
    "X-HTTP-Method-Override",
    "X-Original-URL",
    "X-Forwarded-Host",
    "Upgrade",
    "Proxy-Authorization",
  ]) {
    assert.equal(ask("GET", url, { headers: [name] }), "read opaque | obfuscated", name);
  }
  assert.equal(ask("GET", url, { headers: ["X-aws-ec2-metadata-token"] }), "read secret.read");
  assert.equal(ask("GET", url, { headers: ["bad header"] }), "read opaque");
});

test("without rules nothing passes", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...REQUESTS.map(([, url]) => url)),
      fc.constantFrom("GET", "HEAD", "POST"),
      (url, method) => {
        assert.ok(!passes(classifyHttp({ method, url }, [])));
      },
    ),
  );
});

test("whatever is added to a request, it is as grave as before", () => {
  const headers = fc.array(fc.constantFrom("Accept", "Host", "X-Method-Override", "Metadata", "Cookie"), {
    maxLength: 3,
  });
  fc.assert(
    fc.property(fc.constantFrom(...REQUESTS), headers, fc.string(), ([method, url], names, body) => {
      const bare = classifyHttp({ method, url }, RULES);
      assert.ok(covers(classifyHttp({ method, url, headers: names, body }, RULES), bare));
    }),
  );
});

test("any texts at all are classified without a fault", () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `https://api.example.com/${text}`),
      ),
      fc.array(fc.string()),
      (method, url, headers) => {
        const found = classifyHttp({ method, url, headers }, RULES);
        assert.ok(found.effects.length > 0);
        assert.ok(!passes(found));
      },
    ),
  );
});
