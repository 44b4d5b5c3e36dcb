/**
 * Brings a clone to where `npm start` and `npm test` can run: dependencies as locked, and the console built.
 * Plain JavaScript for Node ≥ 20. Says nothing and takes a few milliseconds when nothing has changed.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const NODE_MAJOR_MIN = 20;
const SERVER_MAJOR_MIN = 24;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const CONSOLE_SOURCES = ["src", "public", "index.html", "package.json", "tsconfig.json", "vite.config.ts"];

/** A sentence that says what to do. */
class SetupError extends Error {}

function checkNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < NODE_MAJOR_MIN) {
    throw new SetupError(
      `Node ${process.versions.node} is too old: install Node ${NODE_MAJOR_MIN} or later, then run this again.`,
    );
  }
}

/** The npm that runs this script, with the Node that runs npm; else the one on PATH. */
function npmCommand() {
  const cli = process.env.npm_execpath;
  if (cli !== undefined && /npm-cli\.[cm]?js$/.test(cli))
    return [process.env.npm_node_execpath ?? process.execPath, cli];
  return ["npm"];
}

/** Runs npm and keeps its output for the case that it fails: npm warns on stderr even when all is well. */
function npm(args, doing) {
  process.stderr.write(`keyturn: ${doing}\n`);
  const [command, ...before] = npmCommand();
  const run = spawnSync(command, [...before, ...args], {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: OUTPUT_BYTES_MAX,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PATH: `${join(ROOT, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}` },
  });
  if (run.error?.code === "ENOENT")
    throw new SetupError("npm was not found: install npm 9 or later, then run this again.");
  if (run.error !== undefined) throw run.error;
  if (run.status === 0) return;
  process.stderr.write(`${run.stdout}${run.stderr}`);
  const hint = /EACCES|EPERM/.test(run.stderr)
    ? " Some files belong to another user: change their owner, or delete node_modules as that user."
    : "";
  throw new SetupError(
    `\`npm ${args.join(" ")}\` failed (exit code ${run.status ?? run.signal}); its output is above.${hint}`,
  );
}

function hashOf(paths) {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`);
  for (const path of paths)
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(ROOT, path)))
      .update("\0");
  return hash.digest("hex");
}

function filesUnder(path) {
  const found = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (found === undefined) return [];
  if (!found.isDirectory()) return [path];
  return readdirSync(join(ROOT, path))
    .sort()
    .flatMap((name) => filesUnder(`${path}/${name}`));
}

/** Does the work only when the stamp does not say that it was done for exactly these inputs. */
function once(stamp, inputs, work) {
  const wanted = hashOf(inputs);
  const path = join(ROOT, stamp);
  if (existsSync(path) && readFileSync(path, "utf8") === wanted) return;
  rmSync(path, { force: true });
  work();
  // Hashed before the work: an input that changed meanwhile is seen the next time.
  writeFileSync(path, wanted);
}

/** `npm ci` reads the lockfile alone and deletes what it does not name: the same tree for everyone. */
function installDependencies() {
  const manifests = ["package-lock.json", "package.json", "console/package.json"].filter((path) =>
    existsSync(join(ROOT, path)),
  );
  once("node_modules/.keyturn-installed", manifests, () => {
    npm(
      ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"],
      "installing dependencies (npm ci), once …",
    );
  });
}

/** The scripts run on the Node that npm installed beside them where the system's is older. */
function checkServerNode() {
  const brought = join(ROOT, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
  if (existsSync(brought) || Number(process.versions.node.split(".")[0]) >= SERVER_MAJOR_MIN) return;
  throw new SetupError(
    `The server needs Node ${SERVER_MAJOR_MIN}, which npm brings with the package \`node\`, but its install script did not run.` +
      " Run `npm rebuild node --ignore-scripts=false`, or install Node 24, then run this again.",
  );
}

function buildConsole() {
  if (!existsSync(join(ROOT, "console", "index.html"))) return;
  const inputs = ["package-lock.json", ...CONSOLE_SOURCES.flatMap((name) => filesUnder(`console/${name}`))];
  once("console/dist/.keyturn-built", inputs, () => {
    npm(["run", "build", "--workspace=console", "--loglevel=error"], "building the console, once …");
  });
}

try {
  checkNode();
  installDependencies();
  checkServerNode();
  buildConsole();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`keyturn: ${error.message}\n`);
  process.exitCode = 1;
}
