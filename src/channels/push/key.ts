import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { ConfigError } from "../../ports/config.ts";

/** The key that signs to push services who sends (VAPID, RFC 8292): a raw point and scalar of P-256 in base64url. */
export type PushKey = { readonly publicKey: string; readonly privateKey: string };

/**
 * Reads the key from its PEM file, which only its owner may read; `mayMake` makes it where there is none. Browsers
 * subscribe to one key: with another one each has to do it again. Throws `ConfigError` for a file that is no such key.
 */
export function pushKey(file: string, mayMake: boolean): PushKey {
  if (mayMake) make(file);
  try {
    const { crv, x = "", y = "", d = "" } = createPrivateKey(readFileSync(file)).export({ format: "jwk" });
    if (crv !== "P-256") throw new Error("this is a key of another kind");
    const point = Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
    return { publicKey: point.toString("base64url"), privateKey: d };
  } catch (cause) {
    const message = "the key of web push cannot be read";
    const hint = "make one with `openssl ecparam -name prime256v1 -genkey -noout`, mode 0600, the same on every server";
    throw new ConfigError({
      code: "config_invalid",
      problems: [{ file, line: 0, column: 0, message, hint }],
      cause,
    });
  }
}

function make(file: string): void {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  try {
    writeFileSync(file, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}
