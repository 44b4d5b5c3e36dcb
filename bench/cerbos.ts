/** `bench cerbos`: a decision that is written down, here and there. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../test/support/process.ts";
import { askedBytes, load, rate } from "./evaluate.ts";
import type { Options } from "./options.ts";
import { questions } from "./questions.ts";
import { many, row, type Row } from "./row.ts";
import { furnish, scratch, serve, type Child } from "./server.ts";
import { Installation } from "./setup.ts";
import { requestBytes } from "./wire.ts";

const VERSION = "0.55.0";

/** What was measured and how, for the page. */
export const note: string = `Cerbos ${VERSION} from npm with its audit log of decisions in a file, over HTTP, beside \`keyturn serve\` on the embedded
store, on loopback and in turns: 512 questions of nine kinds, the same to both. Cerbos looks at one condition and answers
before its file is flushed. Where the file system can be told to write every line through (\`chattr +S\`, which only root
may do), the rows called \`flushed\` compare at equal durability.`;

const CALLERS = [1, 32, 128];

export async function run({ dist, quick, progress }: Options): Promise<readonly Row[]> {
  using folder = scratch();
  furnish(folder.path);
  progress("Cerbos");
  const program = cerbos();
  await using own = await serve(dist, folder.path);
  const asked = await askedBytes(new Installation(own.port, join(folder.path, "data")));
  const theirs = questions(asked.length).map(({ body }) => theirBytes(body));
  const ms = quick ? 300 : 4000;
  const rows: Row[] = [];
  for (const flushed of [false, true]) {
    const other = await start(program, join(folder.path, flushed ? "flushed" : "cerbos"), flushed);
    if (other === null) continue;
    await using peer = other;
    for (const child of [peer, own]) await load(child, 16, child === own ? asked : theirs, ms, false);
    for (const callers of quick ? [1, 8] : CALLERS) {
      const anchor = await load(peer, callers, theirs, ms, false);
      const kept = await load(own, callers, asked, ms, false);
      const name = flushed ? "Cerbos, flushed" : "Cerbos";
      const goal = flushed ? { text: "faster", holds: () => kept.p50 <= anchor.p50 } : undefined;
      rows.push(
        row(`evaluate beside ${name}, ${many(callers)}: rate`, "1/s", rate(kept), {
          anchor: { name, value: rate(anchor) },
        }),
        row(`evaluate beside ${name}, ${many(callers)}: p50`, "ms", kept.p50, {
          anchor: { name, value: anchor.p50 },
          goal,
        }),
        row(`evaluate beside ${name}, ${many(callers)}: p99`, "ms", kept.p99, { anchor: { name, value: anchor.p99 } }),
      );
    }
  }
  return rows;
}

/** The path of its program, after an installation into a folder of its own where there is none. */
function cerbos(): string {
  const folder = fileURLToPath(new URL("../node_modules/.cache/keyturn-cerbos/", import.meta.url));
  const program = join(folder, "node_modules/@cerbos/cerbos-linux-x64/cerbos-linux-x64");
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), '{"private":true}');
    const install = ["install", "--no-audit", "--no-fund", "--ignore-scripts", `@cerbos/cerbos-linux-x64@${VERSION}`];
    execFileSync("npm", install, { cwd: folder, stdio: "ignore" });
  }
  execFileSync("chmod", ["+x", program]);
  return program;
}

/** Starts it; null where its file cannot be told to be flushed. */
async function start(program: string, folder: string, flushed: boolean): Promise<Child | null> {
  const policies = join(folder, "policies");
  mkdirSync(policies, { recursive: true });
  for (const kind of new Set(questions(512).map(({ body }) => parsed(body).resource.type)))
    writeFileSync(join(policies, `${kind}.yaml`), policyFor(kind));
  const audit = join(folder, "audit.log");
  writeFileSync(audit, "");
  try {
    if (flushed) execFileSync("chattr", ["+S", audit], { stdio: "ignore" });
  } catch {
    return null;
  }
  const [port, grpc] = [await freePort(), await freePort()];
  const config = {
    server: { httpListenAddr: `127.0.0.1:${port}`, grpcListenAddr: `127.0.0.1:${grpc}` },
    storage: { driver: "disk", disk: { directory: policies } },
    audit: {
      enabled: true,
      accessLogsEnabled: false,
      decisionLogsEnabled: true,
      backend: "file",
      file: { path: audit },
    },
    telemetry: { disabled: true },
  };
  const file = join(folder, "cerbos.yaml");
  writeFileSync(file, JSON.stringify(config));
  const child = spawn(program, ["server", "--config", file, "--log-level", "error"], { stdio: "ignore" });
  for (let tries = 0; tries < 100; tries += 1) {
    const health = await fetch(`http://127.0.0.1:${port}/_cerbos/health`).catch(() => null);
    if (health?.status === 200) break;
    await sleep(100);
  }
  return {
    port,
    pid: child.pid ?? 0,
    readyMs: Number.NaN,
    readyzMs: Number.NaN,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}

function policyFor(kind: string): string {
  return `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  version: default
  resource: ${kind}
  rules:
    - actions: ["*"]
      effect: EFFECT_ALLOW
      roles: [agent]
      condition: { match: { expr: "has(request.resource.attr.limit) && request.resource.attr.limit <= 100" } }
`;
}

type Question = {
  readonly subject: { readonly id: string };
  readonly action: { readonly name: string; readonly properties?: object };
  readonly resource: { readonly type: string; readonly id: string };
};

function parsed(body: string): Question {
  return JSON.parse(body) as Question;
}

/** The same question in its words. */
function theirBytes(body: string): Buffer {
  const { subject, action, resource } = parsed(body);
  const asked = {
    requestId: subject.id,
    principal: { id: subject.id, roles: ["agent"] },
    resources: [
      { resource: { kind: resource.type, id: resource.id, attr: action.properties ?? {} }, actions: [action.name] },
    ],
  };
  return requestBytes("POST", "/api/check/resources", null, JSON.stringify(asked));
}
