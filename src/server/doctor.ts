import { isIP } from "node:net";
import { formatInstant } from "../core/ledger/index.ts";
import type { House } from "./house.ts";
import type { Finding } from "./finding.ts";
import { peopleFindings } from "./people/findings.ts";
import { privacyFault } from "./privacy.ts";

/** Weak spots that a running installation can see of itself. */
export function findings(house: House): readonly Finding[] {
  return [
    ...ruleFindings(house),
    ...peopleFindings(house),
    ...networkFindings(house),
    ...witnessFindings(house),
    ...channelFindings(house),
    ...privacyFindings(house),
  ];
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

/** A group that is too small is heard of when nobody can be erased any more, which may be years later. */
function privacyFindings(house: House): Finding[] {
  const fault = house.privacy === null ? null : privacyFault(house);
  if (fault === null) return [];
  const hint = "name another group under `privacy` in keyturn.yaml, or add people to this one";
  return [{ severity: "error", code: "privacy_impossible", message: `nothing can be erased: ${fault}`, hint }];
}

function channelFindings(house: House): Finding[] {
  return [...lossFindings(house), ...clickFindings(house), ...routeFindings(house)];
}

/** A button that nobody hears looks like a slow one. */
function clickFindings({ channels }: House): Finding[] {
  return channels.clickable.flatMap((channel): Finding[] => {
    const because = channel.trouble?.() ?? null;
    if (because === null) return [];
    const message = `clicks in \`${channel.name}\` do not come in: ${because}`;
    return [{ severity: "error", code: "clicks_unheard", message, hint: `run \`keyturn ${channel.name} check\`` }];
  });
}

/** A route that nothing reads is a promise that nobody keeps. */
function routeFindings({ rules, channels }: House): Finding[] {
  const known = new Set(channels.all.map(({ name }) => name));
  return [...(rules.current.policies.notify ?? [])].flatMap(([policy, routes]) =>
    routes.flatMap((route): Finding[] => {
      if (known.has(route.split(":", 1)[0] ?? "")) return [];
      const message = `policy \`${policy}\` wants \`${route}\` told, and there is no such channel`;
      return [
        { severity: "warning", code: "notify_nowhere", message, hint: "set it up under `notify`, or change `@notify`" },
      ];
    }),
  );
}

function lossFindings({ outbox }: House): Finding[] {
  return outbox.troubles().map(({ channel, since, because, givenUp }) => ({
    severity: givenUp > 0 ? "error" : "warning",
    code: givenUp > 0 ? "notifications_lost" : "channel_down",
    message:
      givenUp > 0
        ? `channel \`${channel}\` has lost ${givenUp} pieces of news since the start: ${because}`
        : `channel \`${channel}\` takes nothing since ${since === null ? "a while" : formatInstant(since)}: ${because}`,
    hint: "see docs/notifications.md, When a channel is down",
  }));
}
