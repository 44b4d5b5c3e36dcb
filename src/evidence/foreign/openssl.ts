/** `verify/openssl.sh`: the checkpoint's signature, with a shell, coreutils and OpenSSL. */
export const OPENSSL_SH = `#!/bin/sh
# Verifies the signature of ledger/checkpoint with OpenSSL 3. Bring the key from elsewhere: sh verify/openssl.sh KEY
set -eu
cd "$(dirname "$0")/.."
vkey=\${1:-$(cat ledger/vkey)}
name=\${vkey%%+*}
rest=\${vkey#*+}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# RFC 8410: 12 bytes that say "Ed25519", then the 32 bytes of the key. In the verifier key a type byte stands before them.
{ printf '\\060\\052\\060\\005\\006\\003\\053\\145\\160\\003\\041\\000'; printf %s "\${rest#*+}" | base64 -d | tail -c 32; } > "$dir/key.der"
# C2SP signed-note: the text ends before the empty line; a signature line is a dash, the name, base64(4 bytes of key id, signature).
sed '/^$/,$d' ledger/checkpoint > "$dir/text"
awk -v name="$name" '$2 == name { print $3; exit }' ledger/checkpoint | base64 -d | tail -c +5 > "$dir/signature"
openssl pkeyutl -verify -pubin -inkey "$dir/key.der" -keyform DER -rawin -in "$dir/text" -sigfile "$dir/signature"
`;
