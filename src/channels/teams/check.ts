import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../ports/clock.ts";
import { Pace } from "../../ports/pace.ts";
import { issuerOf } from "./config.ts";
import type { TeamsConfig } from "./config.ts";
import { Connector } from "./connector.ts";
import { SigningKeys } from "./keys.ts";
import { readTeamsSecret } from "./secret.ts";

/** One thing that was looked at: all is well where `problem` is null. */
export type TeamsFinding = { readonly what: string; readonly problem: string | null };

/** Asks Microsoft whether these settings work, without writing to anybody. */
export async function checkTeams(config: TeamsConfig, clock: Clock): Promise<readonly TeamsFinding[]> {
  const findings: TeamsFinding[] = [];
  const look = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const problem = await work().then(
      () => null,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    findings.push({ what, problem });
  };
  const pace = new Pace(
    async (ms) => sleep(ms),
    () => clock.now(),
  );
  await look("the app's id, tenant and client secret sign in", async () =>
    new Connector(config, readTeamsSecret(config.secretFile), clock, pace).signIn(),
  );
  await look("the keys that sign clicks can be read", async () => new SigningKeys(config.cloud, clock).named("any"));
  for (const tenant of config.tenants) {
    findings.push({ what: `accounts in directory.yaml have the issuer ${issuerOf(config, tenant)}`, problem: null });
  }
  return findings;
}
