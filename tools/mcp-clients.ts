/**
 * `node tools/mcp-clients.ts [FOLDER]`: lets every agent that is installed here call a tool through the gateway, and prints
 * what came of it. Needs `keyturn serve` with KEYTURN_URL and KEYTURN_TOKEN, and agents that can reach their models. An
 * agent that is not installed is skipped. What is held waits for you: approve it in the console.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const SERVER = fileURLToPath(
  new URL("../node_modules/@modelcontextprotocol/server-filesystem/dist/index.js", import.meta.url),
);
const LIMIT_MS = 15 * 60_000;

type Settings = { readonly command: string; readonly args: readonly string[]; readonly env: Record<string, string> };
type Prepared = { readonly args: readonly string[]; readonly env?: Record<string, string> };

/** How each agent is told of an MCP server, in settings of its own folder, and asked one thing without a terminal. */
const AGENTS: Readonly<Record<string, (server: Settings, ask: string, dir: string) => Prepared>> = {
  claude: (server, ask, dir) => {
    const file = write(dir, "mcp.json", { mcpServers: { files: server } });
    return { args: ["-p", ask, "--mcp-config", file, "--strict-mcp-config", "--allowedTools", "mcp__files"] };
  },
  codex: ({ command, args, env }, ask) => {
    const set = (name: string, value: unknown): string[] => [
      "-c",
      `mcp_servers.files.${name}=${JSON.stringify(value)}`,
    ];
    const table = Object.entries(env).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    const settings = [
      ...set("command", command),
      ...set("args", args),
      "-c",
      `mcp_servers.files.env={${table.join(",")}}`,
    ];
    return { args: ["exec", "--skip-git-repo-check", ...settings, ask] };
  },
  gemini: (server, ask, dir) => {
    write(dir, ".gemini/settings.json", { mcpServers: { files: { ...server, trust: true } } });
    return { args: ["-p", ask, "--allowed-mcp-server-names", "files"] };
  },
  copilot: (server, ask, dir) => {
    const file = write(dir, "mcp.json", { mcpServers: { files: { type: "local", tools: ["*"], ...server } } });
    return { args: ["-p", ask, "--allow-all-tools", "--additional-mcp-config", `@${file}`] };
  },
  opencode: ({ command, args, env }, ask, dir) => {
    const files = { type: "local", command: [command, ...args], environment: env, enabled: true };
    return { args: ["run", ask], env: { OPENCODE_CONFIG: write(dir, "opencode.json", { mcp: { files } }) } };
  },
};

function write(dir: string, name: string, settings: object): string {
  const path = join(dir, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(settings));
  return path;
}

function tryOne(name: string, folder: string): string {
  if (spawnSync(name, ["--version"], { stdio: "ignore" }).error !== undefined) return "skipped: it is not installed";
  const dir = mkdtempSync(join(tmpdir(), `keyturn-${name}-`));
  const target = join(folder, `from-${name}.txt`);
  const { KEYTURN_URL = "", KEYTURN_TOKEN = "" } = process.env;
  const server: Settings = {
    command: process.execPath,
    args: [MAIN, "mcp", "--name", "files", "--state", join(dir, "state"), "--", process.execPath, SERVER, folder],
    env: { KEYTURN_URL, KEYTURN_TOKEN },
  };
  const ask = `Use the tool write_file of the MCP server "files" to write the text "hello" to ${target}. Do what its answers say.`;
  try {
    const { args, env = {} } = AGENTS[name]?.(server, ask, dir) ?? { args: [] };
    const { status } = spawnSync(name, args, {
      cwd: dir,
      env: { ...process.env, ...env },
      stdio: ["ignore", "inherit", "inherit"],
      timeout: LIMIT_MS,
    });
    return `${existsSync(target) ? "wrote the file" : "wrote nothing"}, ended with ${status ?? "a time-out"}`;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const { KEYTURN_TOKEN: token = "" } = process.env;
if (token === "") {
  console.error("Set KEYTURN_TOKEN (keyturn token create) and KEYTURN_URL first.");
  process.exitCode = 2;
} else {
  const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), "keyturn-mcp-clients-"));
  for (const name of Object.keys(AGENTS)) console.log(`${name}: ${tryOne(name, folder)}`);
}
