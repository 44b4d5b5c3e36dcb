import { z } from "zod";
import type { Click, Vouched } from "../../ports/channel.ts";
import type { Clock } from "../../ports/clock.ts";
import { unavailable } from "./call.ts";
import { issuerOf } from "./config.ts";
import type { TeamsConfig } from "./config.ts";
import type { Connector } from "./connector.ts";

/** How long an answer about a person serves: a click follows a click, and nobody is let in for long after leaving. */
const PERSON_MS = 60_000;
const ENTRIES_MAX = 20_000;
const NAME_CHARS_MAX = 200;

const Member = z.looseObject({
  id: z.string(),
  aadObjectId: z.string().nullish(),
  objectId: z.string().nullish(),
  tenantId: z.string().nullish(),
  userRole: z.string().nullish(),
  userPrincipalName: z.string().nullish(),
  email: z.string().max(320).nullish(),
  name: z.string().nullish(),
});

/** The people of a tenant as Teams knows them, remembered for a short while. */
export class Members {
  readonly #connector: Connector;
  readonly #config: TeamsConfig;
  readonly #clock: Clock;
  readonly #kept = new Map<string, { readonly until: number; readonly vouched: Vouched }>();

  constructor(connector: Connector, config: TeamsConfig, clock: Clock) {
    this.#connector = connector;
    this.#config = config;
    this.#clock = clock;
  }

  /** Whether who clicked may speak here: only full members of an admitted tenant do, where they clicked, and no machine. */
  async vouch({ intent, reply }: Click, signal: AbortSignal): Promise<Vouched> {
    const { conversation, user, tenant, serviceUrl } = reply;
    if (
      typeof conversation !== "string" ||
      typeof user !== "string" ||
      typeof tenant !== "string" ||
      typeof serviceUrl !== "string"
    ) {
      return { status: "doubted", because: "Nobody knows where this click came from." };
    }
    const key = JSON.stringify([tenant, conversation, user]);
    const known = this.#kept.get(key);
    if (known !== undefined && known.until >= this.#clock.now()) return known.vouched;
    const body = await this.#connector.member(serviceUrl, conversation, user, signal);
    if (body === null) return { status: "doubted", because: "Teams does not know this account here." };
    const parsed = Member.safeParse(body);
    if (!parsed.success) throw unavailable("Microsoft's answer to who somebody is is not understood");
    const because = doubtOf(parsed.data, { user, tenant, subject: intent.account.subject });
    if (because !== null || intent.account.issuer !== issuerOf(this.#config, tenant)) {
      return { status: "doubted", because: because ?? "This account is of another tenant." };
    }
    const { name, email, userPrincipalName } = parsed.data;
    const vouched: Vouched = {
      status: "vouched",
      name: name?.slice(0, NAME_CHARS_MAX) ?? null,
      email: email ?? userPrincipalName ?? null,
    };
    if (this.#kept.size >= ENTRIES_MAX) this.#kept.clear();
    this.#kept.set(key, { until: this.#clock.now() + PERSON_MS, vouched });
    return vouched;
  }
}

function doubtOf(
  member: z.infer<typeof Member>,
  said: { readonly user: string; readonly tenant: string; readonly subject: string },
): string | null {
  const account = (member.aadObjectId ?? member.objectId ?? "").toLowerCase();
  if (member.id !== said.user || account !== said.subject) return "Teams does not know this account here.";
  if (member.id.startsWith("28:")) return "A bot decides nothing: only people do.";
  // Entra names a guest `name_home.example#EXT#@tenant…`.
  const { userRole: role, userPrincipalName: name } = member;
  const isGuest = (name ?? "").toUpperCase().includes("#EXT#");
  if (isGuest || (role ?? "user").toLowerCase() !== "user") return "Guests decide nothing.";
  if ((role ?? name ?? null) === null) return "Teams does not say whether this account is a full member.";
  return (member.tenantId ?? "").toLowerCase() === said.tenant
    ? null
    : "People of other organisations decide nothing here.";
}
