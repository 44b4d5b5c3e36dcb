import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Clock } from "../../ports/clock.ts";
import { Pace } from "../../ports/pace.ts";
import { SlackApi } from "./api.ts";
import { issuerOf } from "./config.ts";
import type { SlackConfig } from "./config.ts";
import { SCOPES } from "./manifest.ts";
import { Members } from "./members.ts";
import { openChannel } from "./places.ts";
import { readSlackSecret } from "./secret.ts";

/** One thing that was looked at: all is well where `problem` is null. */
export type SlackFinding = { readonly what: string; readonly problem: string | null };

const Auth = z.looseObject({
  team_id: z.string(),
  enterprise_id: z.string().nullish(),
  bot_id: z.string().nullish(),
  response_metadata: z.looseObject({ scopes: z.array(z.string()).nullish() }).nullish(),
});
const Bot = z.looseObject({ bot: z.looseObject({ app_id: z.string().nullish() }) });

/** Asks Slack whether these settings work, without writing to anybody. */
export async function checkSlack(config: SlackConfig, clock: Clock): Promise<readonly SlackFinding[]> {
  const pace = new Pace(
    async (ms) => sleep(ms),
    () => clock.now(),
  );
  const api = new SlackApi(readSlackSecret(config.botTokenFile), config.apiUrl, pace);
  const members = new Members(api, config, clock);
  const findings: SlackFinding[] = [];
  const look = async (what: string, work: () => Promise<string | null>): Promise<void> => {
    const problem = await work().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
    findings.push({ what, problem });
  };
  await look("the bot token is of the workspace in the settings", async () => {
    const auth = Auth.parse(await api.call("auth.test"));
    if (auth.team_id !== config.team) return `the token is of ${auth.team_id}; write \`team: ${auth.team_id}\``;
    const enterprise = auth.enterprise_id ?? null;
    if (enterprise !== config.enterprise) {
      return enterprise === null ? "take out `enterprise`: there is none" : `write \`enterprise: ${enterprise}\``;
    }
    const scopes = auth.response_metadata?.scopes ?? [];
    const missing = scopes.length === 0 ? [] : Object.keys(SCOPES).filter((scope) => !scopes.includes(scope));
    if (missing.length > 0) return `the app lacks ${missing.join(", ")}; take the manifest anew and install it again`;
    const { bot_id: bot } = auth;
    if (bot === null || bot === undefined) return "this is no bot's token; take the Bot User OAuth Token (xoxb-…)";
    const app = Bot.parse(await api.call("bots.info", { bot })).bot.app_id ?? null;
    return app === null || app === config.app ? null : `the token is of the app ${app}; write \`app: ${app}\``;
  });
  const { appTokenFile } = config;
  if (appTokenFile !== null) {
    await look("Slack opens a socket for the app token", async () => {
      await new SlackApi(readSlackSecret(appTokenFile), config.apiUrl, pace).call("apps.connections.open");
      return null;
    });
  }
  for (const channel of new Set([...config.channels, ...[...config.groups.values()].flatMap((one) => one.channels)])) {
    await look(`channel ${channel} can be written to`, async () => {
      await openChannel(members, channel, config);
      return null;
    });
  }
  for (const { onDuty } of config.groups.values()) {
    if (onDuty === null) continue;
    await look(`user group ${onDuty} has people`, async () =>
      (await members.ofUserGroup(onDuty)).length > 0 ? null : "it is not there, or empty: everybody would be told",
    );
  }
  findings.push({ what: `accounts in directory.yaml have the issuer ${issuerOf(config)}`, problem: null });
  return findings;
}
