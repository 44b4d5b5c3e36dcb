/** How one Slack workspace is reached. Secrets stand in files. */
export type SlackConfig = {
  /** `A…`: clicks of other apps are dropped. */
  readonly app: string;
  /** `T…`: the workspace in which the app is installed. Clicks from others are dropped. */
  readonly team: string;
  /** `E…` where the workspace belongs to an Enterprise organisation: its people are known by it then. */
  readonly enterprise: string | null;
  readonly botTokenFile: string;
  /** Socket Mode, which needs no address of ours: the app-level token. */
  readonly appTokenFile: string | null;
  /** HTTP: the secret with which Slack signs what it sends to us. */
  readonly signingSecretFile: string | null;
  /** Channels (`#name` or `C…`) where every request is shown. */
  readonly channels: readonly string[];
  /** By group of approvers: channels, and the user group (`S…` or `@handle`) of who is on duty. */
  readonly groups: ReadonlyMap<string, GroupRoute>;
  /** Direct messages to approvers: always, only where no channel is named, or never. */
  readonly direct: "always" | "unrouted" | "never";
  /** Tells the people behind an action too. They can stop it, and never approve it. */
  readonly requesters: boolean;
  /** Finds people who have not linked an account by the addresses in the directory: to tell them, never to let them decide. */
  readonly findByEmail: boolean;
  /** Channels that other organisations see as well. */
  readonly sharedChannels: boolean;
  /** Only requests of these agents; empty means all. */
  readonly agents: readonly string[];
  /** Where the Web API is: another one only for GovSlack and tests. */
  readonly apiUrl: string;
};

export type GroupRoute = { readonly channels: readonly string[]; readonly onDuty: string | null };

/** The issuer of a workspace's accounts in the directory: ids of people are unique in it. */
export function issuerOf({ team, enterprise }: Pick<SlackConfig, "team" | "enterprise">): string {
  return `https://slack.com/${enterprise ?? team}`;
}
