// What others publish of the formats under deploy/: what they say against a file.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ran } from "../peers/tools.ts";

/** Taste, and two that do not fit: both servers are built under one name, and that name is our own image. */
const NOT_OURS = [
  "no-build-and-image",
  "service-image-require-explicit-tag",
  "require-quotes-in-ports",
  "service-dependencies-alphabetical-order",
  "service-keys-order",
  "service-ports-alphabetical-order",
  "services-alphabetical-order",
  "top-level-properties-order",
];
const DCLINT = fileURLToPath(new URL("bin/dclint.cjs", import.meta.resolve("dclint/package.json")));

/** What dclint says against a compose file: the schema of the Compose specification, and rules of its own. */
export function composeFaults(path: string): readonly string[] {
  const { out, err } = ran(process.execPath, [DCLINT, path, "--formatter", "json", "--disable-rule", ...NOT_OURS]);
  if (out === "") throw new Error(err);
  const files = JSON.parse(out) as readonly { readonly messages: readonly { rule: string; message: string }[] }[];
  return files.flatMap(({ messages }) => messages.map(({ rule, message }) => `${rule}: ${message}`));
}

/** An object of Kubernetes, as far as it says what it is. */
type Typed = { readonly apiVersion: string; readonly kind: string };
type Model = new (object: Typed) => { validate(): void };

const MODELS = import.meta.resolve("kubernetes-models");
const TSC = fileURLToPath(new URL("bin/tsc", import.meta.resolve("typescript/package.json")));
const STRICT = ["--ignoreConfig", "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--types", ""];

/**
 * What the API's schemas say against these objects: values first, then names. The schemas let a field pass that they do not
 * know, which the types made from them do not.
 */
export async function kubernetesFaults(objects: Iterable<Typed>, folder: string): Promise<readonly string[]> {
  const faults: string[] = [];
  const lines: string[] = [];
  for (const object of objects) {
    const { apiVersion, kind } = object;
    const url = new URL(`${apiVersion}/${kind}.js`, MODELS);
    try {
      // The package keeps versions that clusters have dropped long since.
      if (/alpha|beta/.test(apiVersion)) throw new Error("not a stable version");
      const models = (await import(url.href)) as Readonly<Record<string, Model>>;
      const model = models[kind];
      if (model === undefined) throw new Error("no such kind");
      new model(object).validate();
    } catch (error) {
      faults.push(`${apiVersion} ${kind}: ${error instanceof Error ? error.message : String(error)}`);
      continue;
    }
    const type = `import(${JSON.stringify(fileURLToPath(url))}).I${kind}`;
    lines.push(`export const _${lines.length}: ${type} = ${JSON.stringify(object)};`);
  }
  const file = join(folder, "objects.ts");
  writeFileSync(file, lines.join("\n"));
  const { out, code } = ran(process.execPath, [TSC, ...STRICT, file]);
  if (code !== 0) faults.push(...out.trim().split("\n"));
  return faults;
}
