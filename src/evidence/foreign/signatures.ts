import { canonicalize } from "../../core/action/index.ts";
import { decodeBase64Url, encodeBase64 } from "../../core/encoding.ts";
import type { ActionRecord } from "../record.ts";

/**
 * Lines of `signatures.txt`, one for each review that a passkey signed: entry, statement, authenticator data, client data,
 * signature and key, each but the first in base64, so that a shell can take them apart.
 */
export function signatureLines({ reviews }: ActionRecord): string {
  return reviews
    .flatMap(({ index, proof }) => {
      if (proof === null) return [];
      const { statement, authenticatorData, clientDataJSON, signature, publicKey } = proof;
      const parts = [authenticatorData, clientDataJSON, signature, publicKey].map((part) =>
        encodeBase64(decodeBase64Url(part)),
      );
      const text = encodeBase64(new TextEncoder().encode(canonicalize(statement)));
      return [`${[index, text, ...parts].join(" ")}\n`];
    })
    .join("");
}

/** `verify/signatures.sh`: approvers' passkeys over their decisions, with a shell, coreutils, grep and OpenSSL. */
export const SIGNATURES_SH = `#!/bin/sh
# Verifies each line of signatures.txt with OpenSSL 3: entry, statement, authenticator data, client data, signature, key.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
put() { printf %s "$2" | base64 -d > "$dir/$1"; }
fail() { echo "FAILED: entry $entry: $1" >&2; exit 1; }
count=0
while read -r entry statement data client signature key; do
  put statement "$statement"; put data "$data"; put client "$client"; put signature "$signature"; put key "$key"
  # The challenge is SHA-256 of the statement: digest, verdict, request, policies, approver, card and time.
  challenge=$(openssl dgst -sha256 -binary "$dir/statement" | base64 | tr '+/' '-_' | tr -d '=')
  grep -qF "\\"challenge\\":\\"$challenge\\"" "$dir/client" || fail "it was not this statement that was signed"
  grep -qF '"type":"webauthn.get"' "$dir/client" || fail "it is no assertion"
  # WebAuthn 6.1: byte 33 holds the flags; 1 is "was there", 4 is "was verified".
  flags=$(tail -c +33 "$dir/data" | head -c 1 | od -An -tu1)
  [ $((flags & 5)) -eq 5 ] || fail "the person was not verified"
  # WebAuthn 7.2: signed are the authenticator data, and then SHA-256 of the client data.
  { cat "$dir/data"; openssl dgst -sha256 -binary "$dir/client"; } > "$dir/signed"
  if openssl pkey -pubin -inform DER -in "$dir/key" -noout -text | grep -q -i ed25519; then
    openssl pkeyutl -verify -pubin -inkey "$dir/key" -keyform DER -rawin -in "$dir/signed" -sigfile "$dir/signature" > "$dir/said" || fail "the signature is not that of the key"
  else
    openssl dgst -sha256 -verify "$dir/key" -keyform DER -signature "$dir/signature" "$dir/signed" > "$dir/said" || fail "the signature is not that of the key"
  fi
  count=$((count + 1))
done < signatures.txt
echo "$count signed reviews verified"
`;
