import { execFileSync, spawnSync } from "node:child_process";
import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify, type ECDH } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";
import type { Reply } from "../receiver.ts";

type Pushed = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer };

/**
 * A double of a push service, on the loopback and over TLS: it stands for those of browser vendors, which cannot be reached
 * from a test, and says what they would. It hands what came to the browser of that path, which decrypts it.
 */
export class PushServiceDouble implements AsyncDisposable {
  readonly got: Pushed[] = [];
  /** Given one after the other, then 201. */
  readonly replies: Reply[] = [];
  readonly #server: Server;

  private constructor({ key, cert }: { readonly key: Buffer; readonly cert: Buffer }) {
    this.#server = createServer({ key, cert }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        this.got.push({ path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks) });
        const { status, headers = {} } = this.replies.shift() ?? { status: 201 };
        response.writeHead(status, { "x-double": "this is no push service", ...headers }).end();
      });
    });
  }

  static async open(): Promise<PushServiceDouble> {
    const service = new PushServiceDouble(certificate());
    await new Promise<void>((resolve) => service.#server.listen(0, "127.0.0.1", resolve));
    return service;
  }

  /** `localhost:PORT`, as settings name it. */
  get host(): string {
    return `localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A browser that has subscribed here. */
  browser(name: string): BrowserDouble {
    return new BrowserDouble(this, `/push/${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** What a browser keeps of a subscription, and how it reads what it is sent (RFC 8291, RFC 8188): nothing of it is the library's. */
export class BrowserDouble {
  readonly #service: PushServiceDouble;
  readonly #path: string;
  readonly #key: ECDH = createECDH("prime256v1");
  readonly #auth: Buffer = randomBytes(16);

  constructor(service: PushServiceDouble, path: string) {
    this.#service = service;
    this.#path = path;
    this.#key.generateKeys();
  }

  get subscription(): { endpoint: string; keys: { p256dh: string; auth: string } } {
    const p256dh = this.#key.getPublicKey().toString("base64url");
    const endpoint = `https://${this.#service.host}${this.#path}`;
    return { endpoint, keys: { p256dh, auth: this.#auth.toString("base64url") } };
  }

  get pushes(): readonly Pushed[] {
    return this.#service.got.filter(({ path }) => path === this.#path);
  }

  /** Waits for so many pushes, and answers the last one in clear. */
  async read(count: number): Promise<unknown> {
    for (let n = 0; n < 500 && this.pushes.length < count; n++) await sleep(10);
    const push = this.pushes[count - 1];
    if (push === undefined) throw new Error(`${this.pushes.length} pushes came, not ${count}`);
    return JSON.parse(this.#decrypt(push.body).toString("utf8"));
  }

  #decrypt(body: Buffer): Buffer {
    // RFC 8188 §2.1: salt, record size, length of the key's id, and the id: here the sender's point.
    const salt = body.subarray(0, 16);
    const sender = body.subarray(21, 21 + body.readUInt8(20));
    const sealed = body.subarray(21 + sender.length);
    const secret = this.#key.computeSecret(sender);
    const info = Buffer.concat([Buffer.from("WebPush: info\0"), this.#key.getPublicKey(), sender]);
    const ikm = Buffer.from(hkdfSync("sha256", secret, this.#auth, info, 32));
    const key = Buffer.from(hkdfSync("sha256", ikm, salt, "Content-Encoding: aes128gcm\0", 16));
    const nonce = Buffer.from(hkdfSync("sha256", ikm, salt, "Content-Encoding: nonce\0", 12));
    const cipher = createDecipheriv("aes-128-gcm", key, nonce).setAuthTag(sealed.subarray(-16));
    const clear = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
    // The last record ends with 2 and padding of zeroes.
    return clear.subarray(0, clear.lastIndexOf(2));
  }
}

/** The claims of a push's VAPID token, checked by its own key (RFC 8292 §2 and §3.2), and that key. */
export function vapidOf({ headers }: Pushed): { readonly key: string; readonly claims: Record<string, unknown> } {
  const [, token = "", key = ""] = /^vapid t=([^,]+), ?k=(.+)$/.exec(headers.authorization ?? "") ?? [];
  const [head = "", claims = "", signature = ""] = token.split(".");
  const point = Buffer.from(key, "base64url");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString("base64url"));
  const publicKey = createPublicKey({ key: { kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" }, format: "jwk" });
  const signed = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
  if (!verify("sha256", Buffer.from(`${head}.${claims}`), signed, Buffer.from(signature, "base64url")))
    throw new Error("the token is not signed by its key");
  return { key, claims: JSON.parse(Buffer.from(claims, "base64url").toString("utf8")) as Record<string, unknown> };
}

/** Why there is no certificate for the double, or null. In CI its absence is a failure, not a reason to skip. */
export function noOpenssl(): string | null {
  if (spawnSync("openssl", ["version"]).status === 0) return null;
  if (process.env["CI"] !== undefined) throw new Error("CI has no openssl: `.ci/run` installs it");
  return "no openssl on this machine: install it to make the double's certificate";
}

/** A certificate for `localhost` that this process, and no other, trusts from now on. */
function certificate(): { readonly key: Buffer; readonly cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), "keyturn-push-"));
  try {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")] as const;
    const what = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost";
    const named = ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert];
    execFileSync("openssl", [...what.split(" "), ...named], { stdio: "pipe" });
    const made = { key: readFileSync(key), cert: readFileSync(cert) };
    setDefaultCACertificates([...getCACertificates("default"), made.cert.toString("utf8")]);
    return made;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
