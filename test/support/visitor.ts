import type { Json, JsonObject } from "../../src/core/action/index.ts";
import { Client, type Answer, type House } from "./house.ts";
import { textAt } from "./json.ts";

/** A person's browser without a page: it keeps cookies of the house as a browser does, and sends its origin. */
export class Visitor {
  readonly #client: Client;
  readonly #origin: string;
  readonly #cookies = new Map<string, string>();

  constructor(house: Pick<House, "url">) {
    this.#client = new Client(house.url, null);
    this.#origin = house.url;
  }

  /** The cookie's value, such as the session's secret. */
  cookie(name: string): string | null {
    return this.#cookies.get(name) ?? null;
  }

  setCookie(name: string, value: string): void {
    this.#cookies.set(name, value);
  }

  async get(path: string): Promise<Answer> {
    return this.#kept(await this.#client.get(path, { headers: this.#headers() }));
  }

  async post(path: string, body: Json, origin: string = this.#origin): Promise<Answer> {
    return this.#kept(await this.#client.post(path, body, { headers: { ...this.#headers(), origin } }));
  }

  /** Begins a sign-in and answers the provider's address. */
  async begin(provider: string, next?: string): Promise<URL> {
    const answer = await this.post(`/v1/sign-in/oidc/${provider}`, next === undefined ? {} : { next });
    if (answer.status !== 200) throw new Error(answer.text);
    return new URL(textAt(answer.body, "address"));
  }

  /** Posts what the provider sent back, as the console's page does. */
  async finish(provider: string, back: URL): Promise<Answer> {
    return this.post(`/v1/sign-in/oidc/${provider}/finish`, { search: back.search.slice(1) });
  }

  /** The whole way through a provider; `pass` signs in there and answers the address that the browser was sent back to. */
  async signIn(provider: string, pass: (address: URL) => Promise<URL>, next?: string): Promise<JsonObject> {
    const answer = await this.finish(provider, await pass(await this.begin(provider, next)));
    if (answer.status !== 200) throw new Error(answer.text);
    return answer.body;
  }

  /** Signs in with a one-time link of the operator. */
  async open(house: House, person: string): Promise<void> {
    const { status, text } = await this.post("/v1/sign-in", { code: await house.code(person) });
    if (status !== 200) throw new Error(text);
  }

  #headers(): Record<string, string> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    return cookie === "" ? {} : { cookie };
  }

  #kept(answer: Answer): Answer {
    for (const line of answer.headers.getSetCookie()) {
      const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
      const [name = "", value = ""] = pair.split("=", 2);
      if (attributes.includes("Max-Age=0")) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return answer;
  }
}
