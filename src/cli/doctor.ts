import { existsSync, statSync } from "node:fs";
import type { Finding } from "../client/index.ts";
import { readArguments, SERVER } from "./arguments.ts";
import { connect, connection } from "./connection.ts";
import { SERVER_NODE_MAJOR_MIN } from "./node.ts";
import { describe, EXIT } from "./failure.ts";
import { visible } from "../core/card/index.ts";
import { configPath, readSettings, serverUrl } from "./settings.ts";
import type { ServerValues } from "./settings.ts";
import { painter } from "./terminal.ts";
import type { Paint, Style, Terminal } from "./terminal.ts";

export const help = `keyturn doctor: find out what is wrong with an installation

Looks at this machine (Node, keyturn.yaml, the operator's token), asks whether the server is ready, and lets the server
look at itself. Each finding says what to do. Exit code 1 when one of them is an error.

Examples
  keyturn doctor
  keyturn doctor --json | jq '.findings[] | select(.severity == "error")'

Options
  --data DIR   the server's data directory, which holds operator.token
  --url URL    the server
  --json       {"findings": [{"severity", "code", "message", "hint"}]}
`;

/** Prints every finding. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readArguments(args, SERVER, []);
  const findings = [...(await localFindings(values, terminal)), ...(await serverFindings(values, terminal))];
  const bad = findings.some((finding) => finding.severity === "error");
  if (values.json === true) terminal.out(`${JSON.stringify({ findings })}\n`);
  else terminal.out(findings.map((finding) => paragraph(finding, painter(terminal, "out"))).join(""));
  if (values.json !== true && !bad) terminal.out("Nothing is wrong.\n");
  return bad ? EXIT.failed : EXIT.ok;
}

async function localFindings(values: ServerValues, terminal: Terminal): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (Number(process.versions.node.split(".")[0]) < SERVER_NODE_MAJOR_MIN) {
    const message = `this is Node ${process.versions.node}`;
    findings.push(
      finding("info", "node_old", message, `the server needs Node ${SERVER_NODE_MAJOR_MIN}; all else runs on this one`),
    );
  }
  if (configPath(values, terminal) === null) {
    findings.push(
      finding(
        "info",
        "config_missing",
        "there is no keyturn.yaml here",
        "run this in its folder, or write one with `keyturn init`",
      ),
    );
  }
  const { operator: token } = await readSettings(values, terminal);
  // POSIX modes: whoever reads the operator's token can make sign-in links for everyone.
  if (existsSync(token) && (statSync(token).mode & 0o077) !== 0) {
    findings.push(
      finding("error", "operator_token_readable", `${token} can be read by others`, `run \`chmod 600 ${token}\``),
    );
  }
  return findings;
}

async function serverFindings(values: ServerValues, terminal: Terminal): Promise<readonly Finding[]> {
  const url = serverUrl(values, await readSettings(values, terminal), terminal);
  try {
    const operator = await connect(values, terminal, "operator");
    return [
      finding("info", "server_found", `the server at ${url} answers`, ""),
      ...(await operator.ask((client) => client.doctor())),
    ];
  } catch (error) {
    const { code, message } = describe(error);
    if (code !== "no_credential") return [finding("error", `server_${code}`, message, "")];
    return [
      await reachability(url),
      finding("warning", "operator_token_missing", "the server could not be asked to look at itself", message),
    ];
  }
}

/** Whether anything of ours answers there, asked without a credential: a 401 is an answer. */
async function reachability(url: string): Promise<Finding> {
  try {
    await connection(url, "nobody", null).ask((client) => client.me());
  } catch (error) {
    const { code, message } = describe(error);
    if (code !== "unauthorized") return finding("error", `server_${code}`, message, "");
  }
  return finding("info", "server_found", `the server at ${url} answers`, "");
}

function finding(severity: Finding["severity"], code: string, message: string, hint: string): Finding {
  return { severity, code, message, hint };
}

const STYLES: Readonly<Record<Finding["severity"], Style>> = { error: "red", warning: "yellow", info: "dim" };

function paragraph({ severity, code, message, hint }: Finding, paint: Paint): string {
  const head = `${paint(STYLES[severity], severity.padEnd(7))}  ${visible(message)} ${paint("dim", `(${visible(code)})`)}\n`;
  return hint === "" ? head : `${head}         ${visible(hint)}\n`;
}
