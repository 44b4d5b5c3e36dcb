import { quoted } from "../../core/risk/index.ts";
import type { Findings } from "../../core/risk/index.ts";
import type { Parsed } from "./kubectl-words.ts";

/** Outputs that print what the server answered. The others read a template from a file. */
const OUTPUT =
  /^(?:json|yaml|kyaml|wide|name|(?:jsonpath|jsonpath-as-json|go-template|template|custom-columns)(?:=[^]*)?)$/;

/** Options that every command takes: where it acts, as whom, and what else it reads or writes. */
export function judgeGlobalOptions({ options }: Parsed, found: Findings): void {
  const context = options.get("context")?.[0];
  if (context !== undefined) found.fact("kubernetes_context", context);
  for (const namespace of options.get("namespace") ?? []) found.name("kubernetes_namespaces", namespace);
  if (options.has("all-namespaces")) found.name("kubernetes_namespaces", "*");
  if (["as", "as-group", "as-uid"].some((name) => options.has(name))) {
    found.effect("escalate", "It acts as somebody else.");
    found.trait("privilege_use", "It acts as somebody else.");
  }
  if (["server", "cluster", "tls-server-name", "certificate-authority"].some((name) => options.has(name))) {
    found.effect("network", "It talks to another server than the configured one.");
    found.opaque("Another server may do anything with the request and its token.");
  }
  if (["kubeconfig", "kuberc"].some((name) => options.has(name))) {
    found.effect("execute", "Another kubeconfig can name programs that kubectl runs.");
    found.trait("code_injection", "Another kubeconfig can name programs that kubectl runs.");
    found.opaque("Another kubeconfig decides where the command goes.");
  }
  if (["token", "username", "password", "user", "client-key", "client-certificate"].some((name) => options.has(name))) {
    found.trait("privilege_use", "It acts with other credentials than the configured ones.");
  }
  if (["profile", "profile-output", "cache-dir"].some((name) => options.has(name))) {
    found.effect("write", "It writes a local file of its own choosing.");
  }
  if (Number(options.get("v")?.[0] ?? 0) >= 6 || options.has("vmodule")) {
    found.effect("secret.read", "It logs what is sent and answered.");
  }
}

/** What `-o` and `--template` read beside the answer. */
export function judgeOutput({ options }: Parsed, found: Findings): void {
  const fromFile = (options.get("output") ?? []).some((output) => !OUTPUT.test(output));
  if (fromFile) {
    found.trait("file_access", "The output's form is read from a file.");
    found.opaque(`The output ${quoted(options.get("output")?.[0] ?? "")} is not known.`);
  }
}
