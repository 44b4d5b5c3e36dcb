/** How one bot of Microsoft Teams is reached. The secret stands in a file. */
export type TeamsConfig = {
  /** The app's id at Entra ID, which is the bot's too: what is sent to another is dropped. */
  readonly app: string;
  /** The tenant in which the app is registered. */
  readonly tenant: string;
  /** Tenants whose people may click, the app's own first. */
  readonly tenants: readonly string[];
  readonly secretFile: string;
  /** Conversations by the names that policies and settings use. */
  readonly places: ReadonlyMap<string, Conversation>;
  /** Names of places where every request is shown. */
  readonly channels: readonly string[];
  /** By group of approvers: names of places. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** Messages to each approver: always, only where no place is named, or never. */
  readonly direct: "always" | "unrouted" | "never";
  /** Tells the people behind an action too. They can stop it, and never approve it. */
  readonly requesters: boolean;
  /** Only requests of these agents; empty means all. */
  readonly agents: readonly string[];
  readonly cloud: Cloud;
};

/** A channel of a team, or a group chat. */
export type Conversation = { readonly kind: "channel" | "chat"; readonly id: string };

/** Where Microsoft's services are. */
export type Cloud = {
  /** Who signs what is sent to us. */
  readonly issuer: string;
  /** OpenID metadata that names the signing keys. */
  readonly metadataUrl: string;
  /** Where tokens for our own calls are, and the prefix of issuers of accounts. */
  readonly loginUrl: string;
  /** What such a token is for. */
  readonly scope: string;
  /** The connector that we write to first; replies go to the address of the same host that a click names. */
  readonly serviceUrl: string;
};

const LOGIN_US = "https://login.microsoftonline.us/";
const US = {
  issuer: "https://api.botframework.us",
  metadataUrl: "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
  loginUrl: LOGIN_US,
  scope: "https://api.botframework.us/.default",
} as const;

/** Microsoft's clouds: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication */
export const CLOUDS: Readonly<Record<"public" | "gcc-high" | "dod", Cloud>> = {
  public: {
    issuer: "https://api.botframework.com",
    metadataUrl: "https://login.botframework.com/v1/.well-known/openidconfiguration",
    loginUrl: "https://login.microsoftonline.com/",
    scope: "https://api.botframework.com/.default",
    serviceUrl: "https://smba.trafficmanager.net/teams/",
  },
  "gcc-high": { ...US, serviceUrl: "https://smba.infra.gov.teams.microsoft.us/teams/" },
  dod: { ...US, serviceUrl: "https://smba.infra.dod.teams.microsoft.us/teams/" },
};

/** The issuer of a tenant's accounts in the directory: the same as at a sign-in with Entra ID, so one links the other. */
export function issuerOf({ cloud }: Pick<TeamsConfig, "cloud">, tenant: string): string {
  return `${new URL(tenant, cloud.loginUrl).href}/v2.0`;
}

const THREAD = /^19:[\w.-]{1,200}@thread\.(tacv2|skype|v2)$/;

/** A conversation by its id, or by the link that Teams gives out for it; null where that is neither. */
export function conversationOf(written: string): Conversation | null {
  const id = THREAD.test(written) ? written : idOfLink(written);
  if (id === null || !THREAD.test(id)) return null;
  return { kind: id.endsWith("@thread.v2") ? "chat" : "channel", id };
}

/** `https://teams.microsoft.com/l/channel/19%3A…%40thread.tacv2/General?…`, and the same with `chat`. */
function idOfLink(written: string): string | null {
  try {
    const [, letter, kind, id] = new URL(written).pathname.split("/");
    return letter === "l" && (kind === "channel" || kind === "chat") ? decodeURIComponent(id ?? "") : null;
  } catch {
    return null;
  }
}
