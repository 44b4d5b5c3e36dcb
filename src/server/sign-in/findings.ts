import { formatInstant } from "../../core/ledger/index.ts";
import type { Finding } from "../finding.ts";
import type { House } from "../house.ts";

/** How long a link of the operator is told of, in milliseconds. */
const TOLD_MS = 7 * 86_400_000;
const TOLD_MAX = 20;

/** What is weak about how people sign in: providers that do not work, and ways past them. */
export async function signInFindings({ signIn, credentials, ctx }: House): Promise<readonly Finding[]> {
  if (signIn === null) return [];
  const troubles = [...signIn.troubles].map(([name, because]): Finding => ({
    severity: "error",
    code: "sign_in_failing",
    message: `nobody can sign in at \`${name}\`: ${because}`,
    hint: "see docs/sign-in.md, An identity provider",
  }));
  const since = ctx.clock.now() - TOLD_MS;
  const links = (await credentials.list("sign_in"))
    .filter(
      ({ createdAt, principal }) => createdAt >= since && principal.kind === "sign_in" && principal.from === undefined,
    )
    .toSorted((one, other) => other.createdAt - one.createdAt)
    .slice(0, TOLD_MAX)
    .map(({ createdAt, principal }): Finding => ({
      severity: "warning",
      code: "signed_in_past_provider",
      message: `a one-time link for \`${principal.kind === "sign_in" ? principal.person : ""}\` was made at ${formatInstant(createdAt)}, past the identity provider`,
      hint: "if nobody knows why, end that person's sessions and look into it: whoever opened the link was that person",
    }));
  return [...troubles, ...links];
}
