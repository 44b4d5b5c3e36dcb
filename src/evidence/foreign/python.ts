/** `verify/disclosures.py`: leaves, root, population, disclosed payloads and the sample, with Python's standard library. */
export const DISCLOSURES_PY = `#!/usr/bin/env python3
"""Recomputes what the pack says from its entries, with the standard library alone: python3 verify/disclosures.py"""
import base64, hashlib, json, os, sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sha = lambda data: hashlib.sha256(data).digest()


def fail(why):
    sys.exit("FAILED: " + why)


def place(index):  # C2SP tlog-tiles: 1234067 is x001/x234/067
    parts = ["%03d" % (index % 1000)]
    while index >= 1000:
        index //= 1000
        parts.insert(0, "x%03d" % (index % 1000))
    return "/".join(parts)


def checkpoint(path):
    origin, size, root = open(path, encoding="utf-8").read().split("\\n")[:3]
    return origin, int(size), base64.b64decode(root, validate=True)


def entries(size):
    for first in range(0, size, 256):
        width = min(256, size - first)
        path = "ledger/tile/entries/" + place(first // 256) + ("" if width == 256 else ".p/%d" % width)
        data, at, found = open(path, "rb").read(), 0, 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 2], "big")
            yield data[at + 2 : at + 2 + length]
            at, found = at + 2 + length, found + 1
        if found != width or at != len(data):
            fail(path + " does not hold %d entries" % width)


def disclosed(bundle):
    path = "ledger/payloads/" + place(bundle) + ".jsonl"
    return [json.loads(line) for line in open(path, encoding="utf-8")] if os.path.exists(path) else []


def join(stack):  # RFC 6962: the root over perfect subtrees, smallest last
    if not stack:
        return sha(b"")
    root = stack[-1][1]
    for _, left in reversed(stack[:-1]):
        root = sha(b"\\x01" + left + root)
    return root


origin, size, root = checkpoint("ledger/checkpoint")
about = json.load(open("pack.json", encoding="utf-8"))
marks = {name: checkpoint("range/" + name) for name in ("start", "end")}
roots, stack, payloads, lines, signed = {}, [], 0, [], set()
for index, header in enumerate(entries(size)):
    roots.update({name: join(stack) for name, mark in marks.items() if mark[1] == index})
    stack.append((1, sha(b"\\x00" + header)))
    while len(stack) > 1 and stack[-1][0] == stack[-2][0]:
        (count, right), (_, left) = stack.pop(), stack.pop()
        stack.append((2 * count, sha(b"\\x01" + left + right)))
    if index % 256 == 0:
        lines = disclosed(index // 256)
    if not lines or lines[index % 256]["payload"] is None:
        continue
    line, shown = lines[index % 256], json.loads(header)
    salt, payload = base64.b64decode(line["salt"]), base64.b64decode(line["payload"])
    committed = "sha256:" + hashlib.sha256(b"keyturn entry payload v1\\n" + salt + payload).hexdigest()
    if line["index"] != index or shown["commitment"] != committed:
        fail("the payload of entry %d is not the one that its header commits to" % index)
    payloads += 1
    proof = json.loads(payload)["review"].get("proof") if shown["type"] == "review.recorded" else None
    if proof and proof["kind"] == "passkey":
        statement = json.dumps(proof["statement"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        parts = [proof[name] for name in ("authenticatorData", "clientDataJSON", "signature", "publicKey")]
        parts = [statement] + [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts]
        signed.add(" ".join([str(index)] + [base64.b64encode(part).decode() for part in parts]))
roots.update({name: join(stack) for name, mark in marks.items() if mark[1] == size})
if join(stack) != root:
    fail("the entries are not those under the checkpoint's root")
for name, mark in marks.items():
    if mark[0] != origin or roots.get(name) != mark[2]:
        fail("range/" + name + " is not the beginning of this ledger")
if [marks["start"][1], marks["end"][1]] != [about["range"]["first"], about["range"]["end"]]:
    fail("pack.json speaks of another range")
print("%d entries under the root; %d payloads as committed; period: entries %d to %d" % (size, payloads, marks["start"][1], marks["end"][1] - 1))

claimed = open("signatures.txt", encoding="utf-8").read().splitlines()
if not set(claimed) <= signed:
    fail("a line of signatures.txt is not in the payload of its entry")
print("%d signatures as their entries have them" % len(claimed))

if os.path.exists("sample.json"):
    sample = json.load(open("sample.json", encoding="utf-8"))
    seed = sha(sample["nonce"].encode() + marks["end"][2])
    rank = lambda index: sha(seed + index.to_bytes(8, "big"))
    drawn = sorted(sample["population"], key=rank)[: sample["wanted"]]
    if seed.hex() != sample["seed"] or drawn != sample["drawn"]:
        fail("the sample is not the one that the nonce draws")
    print("sample of %d drawn again" % len(drawn))
`;
