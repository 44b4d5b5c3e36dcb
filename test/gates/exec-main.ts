// Runs the exec gate as the CLI does, in a process of its own: options as JSON in the first argument.
import { createClient } from "../../src/client/index.ts";
import { runExec } from "../../src/gates/exec/index.ts";
import type { ExecOptions } from "../../src/gates/exec/index.ts";

const { url, ...options } = JSON.parse(process.argv[2] ?? "{}") as { url: string } & Pick<ExecOptions, "argv" | "cwd">;
const client = createClient({ url, token: "kt_test", retryForMs: 500, requestTimeoutMs: 1_000 });
process.exitCode = await runExec({ ...options, client, stderr: process.stderr });
