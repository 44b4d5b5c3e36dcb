import { assuranceCovers, type Assurance } from "../policy/index.ts";
import type { RiskLevel } from "../risk/index.ts";
import type { Person } from "./people.ts";

/** Risk at which whoever has a passkey signs with it, whether or not a policy asks. */
const SIGNED_LEVELS: readonly RiskLevel[] = ["high", "critical"];

/** What one review has to bring where so much is asked: A4 is A3 by two people or more, and one person gives A3 at most. */
export function personalAssurance(asked: Assurance): Assurance {
  return asked === "A4" ? "A3" : asked;
}

/**
 * What an approval by this person has to bring at the click: what the policies ask, and a passkey's signature for a high
 * or critical risk once the person has one. Whoever takes over a session then approves nothing that matters.
 */
export function assuranceFor(asked: Assurance, level: RiskLevel, person: Pick<Person, "passkeys">): Assurance {
  const personal = personalAssurance(asked);
  const signs = SIGNED_LEVELS.includes(level) && person.passkeys.length > 0;
  return signs && !assuranceCovers(personal, "A3") ? "A3" : personal;
}

/** The strongest that this person could bring here: with a passkey A3, else what the session gives. */
export function assuranceWithin(session: Assurance, person: Pick<Person, "passkeys">): Assurance {
  return person.passkeys.length > 0 && !assuranceCovers(session, "A3") ? "A3" : session;
}

const EVIDENCE: Readonly<Record<Assurance, string>> = {
  A0: "nothing",
  A1: "a signed-in click (A1)",
  A2: "a fresh sign-in for this decision (A2)",
  A3: "a signature with a passkey (A3)",
  A4: "a signature with a passkey by each of two people (A4)",
};

/** What is asked and what was brought, in words, with what to do about it. */
export function lackingAssurance(
  { wanted, rule }: { readonly wanted: Assurance; readonly rule: string },
  given: Assurance,
  person: Pick<Person, "passkeys">,
): string {
  const asked = `${rule} asks for ${EVIDENCE[wanted]}, this is ${EVIDENCE[given]}`;
  if (person.passkeys.length > 0) return `${asked}; approve it on its page in the console, where your passkey signs it`;
  return assuranceCovers(wanted, "A3") ? `${asked}; enrol a passkey in the console first, under Passkeys` : asked;
}
