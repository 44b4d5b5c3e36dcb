import { encodeHex } from "../core/encoding.ts";
import { recordChanges, type Change } from "../engine/index.ts";
import type { Chance } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";
import { formatId, ID_BYTES } from "../core/ids.ts";
import { LEDGER_DEFAULT, type Config } from "./config.ts";
import { fileSigner } from "./keys.ts";
import { keyCreated, keyDocument, type Recorder } from "./lifecycle.ts";
import { Notary } from "./notary.ts";
import { keyPaths, openConfigured } from "./stores.ts";
import { askWitnesses } from "./witnessed.ts";

const ORIGIN = { kind: "ledger", id: "origin" } as const;
const COSIGNED = { kind: "ledger", id: "cosigned", body: null } as const;

/** A ledger that goes on under a new name. */
export type Epoch = { readonly closed: string; readonly origin: string; readonly vkey: string; readonly size: number };

/** The ledger's name: fixed at the first start, whatever address the server has later. Its last part is the epoch. */
export async function originOf(store: Store, publicUrl: string, chance: Chance): Promise<string> {
  const known = await store.document(ORIGIN.kind, ORIGIN.id);
  if (typeof known?.body["origin"] === "string") return known.body["origin"];
  const { hostname } = new URL(publicUrl);
  const origin = `${hostname}/ledger/${formatId("token", chance.bytes(ID_BYTES)).slice("tok_".length)}/1`;
  // Of several instances that start at once the first one names it.
  const idempotency = { key: "ledger:origin", fingerprint: "", answer: { origin } };
  const result = await store.append({ entries: [], documents: [{ ...ORIGIN, body: { origin } }], idempotency });
  return result.status === "duplicate" ? originOf(store, publicUrl, chance) : origin;
}

/**
 * Closes the epoch of a ledger that cannot go on under its name, and opens the next: the same entries, a new origin, and
 * an entry that says for ever when, why, and what witnesses had signed by then. The server must not be running.
 */
export async function openEpoch(
  config: Config,
  because: string,
  parts: Pick<Recorder, "clock" | "chance">,
): Promise<Epoch> {
  await using store = await openConfigured(config, () => {});
  const closed = (await store.document(ORIGIN.kind, ORIGIN.id))?.body["origin"];
  if (typeof closed !== "string") throw new Error("there is no ledger here yet: a first start makes one");
  const signer = fileSigner(keyPaths(config).ledger);
  const { witnesses } = config.ledger ?? LEDGER_DEFAULT;
  const words = await askWitnesses(new Notary(store, closed, signer), witnesses);
  const origin = following(closed);
  const { size, root } = await store.head();
  const witnessed = words.map(({ name, answer }) => ({
    witness: name,
    says: answer.says,
    size: answer.says === "stale" ? answer.size : null,
  }));
  const known = (await store.document("key", "ledger"))?.body["key_id"];
  const changes: Change[] = [
    { type: "epoch.closed", payload: { because }, publics: { origin: closed, size, root: encodeHex(root), witnessed } },
    { type: "epoch.continued", payload: { because }, publics: { origin, continues: closed, size } },
    ...(known === signer.keyId ? [] : [keyCreated("ledger", signer, known)]),
  ];
  await recordChanges({ store, ...parts }, changes, {
    documents: [
      { ...ORIGIN, body: { origin } },
      { kind: "key", id: "ledger", body: keyDocument(signer, origin) },
      COSIGNED,
    ],
  });
  return { closed, origin, vkey: new Notary(store, origin, signer).vkey, size };
}

function following(origin: string): string {
  const [, base, epoch] = /^(.+)\/(\d{1,9})$/.exec(origin) ?? [];
  if (base === undefined) throw new Error(`the ledger's name \`${origin}\` does not end with an epoch`);
  return `${base}/${Number(epoch) + 1}`;
}
