import { readFileSync } from "node:fs";
import { join } from "node:path";

/** An installation as its operator sees it: makes the tokens and sessions that a benchmark needs. */
export class Installation {
  readonly port: number;
  readonly #operator: string;

  constructor(port: number, data: string) {
    this.port = port;
    this.#operator = readFileSync(join(data, "operator.token"), "utf8").trim();
  }

  /** A gate's token for one agent. */
  async token(agent: string, gate: string): Promise<string> {
    return member(await this.#post("/v1/tokens", this.#operator, { agent, gate }), "token");
  }

  /** A person's session, as the command line gets it from a one-time link. */
  async session(person: string): Promise<string> {
    const link = new URL(member(await this.#post("/v1/sign-in-links", this.#operator, { person }), "url"));
    const code = link.hash.replace(/^#(?:code=)?/, "") || link.searchParams.get("code");
    return member(await this.#post("/v1/sign-in", null, { code, client: "cli" }), "session");
  }

  async #post(path: string, token: string | null, body: object): Promise<unknown> {
    const answer = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}

/** A text found by its path of members, or a fault that names it. */
export function member(value: unknown, ...path: readonly string[]): string {
  let found = value;
  for (const name of path) found = (found as Readonly<Record<string, unknown>> | null)?.[name];
  if (typeof found !== "string") throw new TypeError(`no text at ${path.join(".")}: ${JSON.stringify(value)}`);
  return found;
}
