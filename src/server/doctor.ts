import { isIP } from "node:net";
import type { House } from "./house.ts";

export type Finding = {
  readonly severity: "error" | "warning" | "info";
  readonly code: string;
  readonly message: string;
  readonly hint: string;
};

/** Weak spots that a running installation can see of itself. */
export function findings(house: House): readonly Finding[] {
  return [...ruleFindings(house), ...peopleFindings(house), ...networkFindings(house), ...witnessFindings(house)];
}

function ruleFindings({ rules }: House): Finding[] {
  const failed = rules.problems.map((problem): Finding => ({
    severity: "error",
    code: "rules_not_reloaded",
    message: `${problem.file}:${problem.line}: ${problem.message}; the rules before it still serve`,
    hint: problem.hint ?? "mend the file; it is read again by itself",
  }));
  const warned = rules.current.warnings.map((problem): Finding => ({
    severity: "warning",
    code: "rules_warning",
    message: `${problem.file}:${problem.line}: ${problem.message}`,
    hint: problem.hint ?? "see docs/configuration.md",
  }));
  return [...failed, ...warned];
}

function peopleFindings({ rules }: House): Finding[] {
  const { directory } = rules.current;
  const found: Finding[] = [];
  for (const agent of directory.agents.values()) {
    if (agent.owners.length > 0) continue;
    const message = `agent \`${agent.id}\` has no owner, so nobody stands behind it and every approval needs two people`;
    found.push({
      severity: "warning",
      code: "agent_without_owner",
      message,
      hint: "name its owners in directory.yaml",
    });
  }
  for (const [group, members] of directory.groups) {
    const active = members.filter((m) => directory.people.get(m.person)?.active === true);
    if (active.length !== 1) continue;
    const message = `group \`${group}\` has one active member: nobody can stand in, and an action of that person's agents can never be approved`;
    found.push({ severity: "warning", code: "group_of_one", message, hint: "add a second person to the group" });
  }
  return found;
}

function networkFindings({ publicUrl, demo }: House): Finding[] {
  const found: Finding[] = [];
  const { hostname, protocol } = new URL(publicUrl);
  const local =
    hostname === "localhost" || hostname === "[::1]" || (isIP(hostname) === 4 && hostname.startsWith("127."));
  if (protocol === "http:" && !local) {
    found.push({
      severity: "error",
      code: "plain_http",
      message: "people and gates reach this server without TLS",
      hint: "put a TLS proxy in front and set public_url to its https address",
    });
  }
  if (demo) {
    found.push({
      severity: "warning",
      code: "demo_mode",
      message: "this is the demo: anybody can act as anybody",
      hint: "use `keyturn init` and `keyturn serve` for a real installation",
    });
  }
  return found;
}

function witnessFindings({ publisher }: House): Finding[] {
  return publisher.troubles().map(({ name, refused, because }) => ({
    severity: refused ? "error" : "warning",
    code: refused ? "witness_contradicts" : "witness_silent",
    message: `witness \`${name}\` does not cosign: ${because}`,
    hint: refused ? "see docs/ledger.md, When a witness refuses" : "see docs/ledger.md, Witnesses",
  }));
}
