import { randomUUID } from "node:crypto";
import { createClient, WireError, type Client } from "../../client/index.ts";

/** One thing that the script tried through the public API, and what has to come of it. */
export type Try = { readonly person: string; readonly step: string; readonly expected: string; readonly got: string };

/** A person signed in through a one-time link, exactly as in the console. */
async function signIn(url: string, operator: Client, person: string): Promise<Client> {
  const { url: link } = await operator.createSignInLink(person);
  const code = new URL(link).hash.replace("#code=", "");
  const guest = createClient({ url, token: "" });
  const { session } = await guest.signIn(code);
  guest.close();
  if (session === undefined) throw new Error("the sign-in gave no session");
  return createClient({ url, token: session });
}

/** Who clicks what, in order, and what must come of it: `approved`, `pending`, or the code of a refusal. */
const SCRIPT: Readonly<Record<string, readonly (readonly [person: string, expected: string])[]>> = {
  export: [
    ["eve", "person_barred"], // owns the agent, although she is a data owner
    ["bob", "not_in_group"],
    ["ann", "approved"],
  ],
  grant: [
    ["bob", "pending"], // one of two
    ["bob", "already_reviewed"], // the same person again fills no second place
    ["eve", "person_barred"],
    ["cy", "approved"],
  ],
  drop: [
    ["ann", "not_in_group"],
    ["cy", "approved"],
  ],
};

/** Plays the demo's people for one held request. */
export async function approve(
  url: string,
  operatorToken: string,
  step: string,
  request: string,
): Promise<readonly Try[]> {
  const operator = createClient({ url, token: operatorToken });
  const tries: Try[] = [];
  try {
    for (const [person, expected] of SCRIPT[step] ?? []) {
      const client = await signIn(url, operator, person);
      tries.push({ person, step, expected, got: await click(client, request) });
      client.close();
    }
  } finally {
    operator.close();
  }
  return tries;
}

async function click(client: Client, request: string): Promise<string> {
  try {
    const { digest } = await client.view(request);
    return (await client.review(request, { verdict: "approve", digest, nonce: randomUUID() })).status;
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
}
