import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from "node:os";
import { markdown, type Row } from "./row.ts";

const PREAMBLE = `# Benchmarks

Written by \`npm run bench -- NAME --write-docs\`, never by hand. Every figure stands beside an anchor that was measured in
the same run; between machines only the ratio means anything. Neighbours on a shared machine make single figures swing.
`;

/** Puts the rows of one benchmark into the page, with machine and date, and leaves the other benchmarks as they are. */
export function writeDocs(path: string, name: string, note: string, rows: readonly Row[]): void {
  const before = existsSync(path) ? readFileSync(path, "utf8") : PREAMBLE;
  const begin = `<!-- begin ${name} -->`;
  const end = `<!-- end ${name} -->`;
  const section = `${begin}\n\n## ${name}\n\n${note}\n\n${machine()}\n\n${markdown(rows)}\n\n${end}`;
  const from = before.indexOf(begin);
  const after =
    from < 0
      ? `${before.trimEnd()}\n\n${section}\n`
      : before.slice(0, from) + section + before.slice(before.indexOf(end) + end.length);
  writeFileSync(path, after);
}

function machine(): string {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const load = loadavg()[0]?.toFixed(1) ?? "?";
  const date = new Date().toISOString().slice(0, 10);
  const cores = `${availableParallelism()} × ${cpu?.model.trim() ?? "unknown"}`;
  return `${date}, ${revision()}, Node ${process.versions.node}, SQLite ${process.versions["sqlite"]}; ${cores}, ${memory}, ${platform()} ${release()}, load average ${load} at the end.`;
}

function revision(): string {
  try {
    const hash = execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return `commit ${hash.trim()}`;
  } catch {
    return "uncommitted";
  }
}
