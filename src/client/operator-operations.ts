import { parseJson } from "../core/action/index.ts";
import { readLines } from "./body.ts";
import { readErased, readErasureAsked, readExportedEvents } from "./exports.ts";
import type { Erased, ErasureAsked, ExportedEvents } from "./exports.ts";
import type { Finding, LedgerEntry, NewScimToken, NewToken, Reloaded, SignInLink, TokenRow } from "./operators.ts";
import {
  readFindings,
  readLedgerEntry,
  readNewScimToken,
  readNewToken,
  readReloaded,
  readSignInLink,
  readTokens,
} from "./operators.ts";
import type { Call, Transport } from "./transport.ts";

/** Bytes of one entry's line: a payload of 8 MiB in base64, with its header. */
export const ENTRY_LINE_BYTES_MAX: number = 12 * 1024 * 1024;
/** Entries asked for at once. */
const ENTRIES_PAGE = 1_000;

/** Bytes of one page of events. */
const EXPORT_PAGE_BYTES_MAX: number = 64 * 1024 * 1024;

/** Whose data is to go, and by which law or duty. */
export type ErasureRequest = {
  readonly person?: string;
  readonly subject?: string;
  readonly before?: string;
  readonly legalBasis: string;
};

/** What is exported: its format, and the times between which. */
export type ExportRecord = {
  readonly format: "csv" | "ocsf" | "oscal" | "evidence";
  readonly from?: string | null;
  readonly to?: string | null;
};

/** `holder` is the person who keeps the token: barred from what is done with it. `expiresIn` is like `90d`. */
export type TokenRequest = {
  readonly agent: string;
  readonly gate: string;
  readonly holder?: string;
  readonly expiresIn?: string;
};

type Signal = { readonly signal?: AbortSignal | undefined };

/** What the operator's token may do. Nothing here decides a request. */
export type OperatorOperations = {
  /** Makes a gate's token; it is in this answer and nowhere else. */
  createToken(token: TokenRequest, options?: Signal): Promise<NewToken>;
  /** Makes the token of a provisioning client that keyturn.yaml names under `scim`; `expiresIn` is like `365d`. */
  createScimToken(client: string, expiresIn?: string, options?: Signal): Promise<NewScimToken>;
  tokens(options?: Signal): Promise<readonly TokenRow[]>;
  revokeToken(id: string, options?: Signal): Promise<void>;
  /** A one-time link that signs this person in. */
  createSignInLink(person: string, options?: Signal): Promise<SignInLink>;
  /** Loads policies, directory and catalogue anew; the old ones stay when the new ones are refused. */
  reload(options?: Signal): Promise<Reloaded>;
  doctor(options?: Signal): Promise<readonly Finding[]>;
  /** The newest signed checkpoint, as the text of a C2SP signed note. */
  checkpoint(options?: Signal): Promise<string>;
  /** The log's verifier key, as C2SP writes it. */
  verifierKey(options?: Signal): Promise<string>;
  /** The published checkpoint, with the cosignatures of witnesses. */
  publishedCheckpoint(options?: Signal): Promise<string>;
  /** A receipt (`.tlog-proof`) of one entry. */
  ledgerReceipt(index: number, options?: Signal): Promise<string>;
  /** A tile or bundle by its path, such as `tile/0/000`. */
  ledgerFile(path: string, options?: Signal): Promise<Uint8Array>;
  /** Asks people to agree that payloads are erased; give one of `person`, `subject` and `before`. */
  askErasure(wanted: ErasureRequest, options?: Signal): Promise<ErasureAsked>;
  /** Erases what people have agreed to; a refusal says why not yet, or no more. */
  performErasure(request: string, options?: Signal): Promise<Erased>;
  /** OCSF events of the entries from an index on, and where to go on. */
  exportEvents(from: number, options?: Signal): Promise<ExportedEvents>;
  /** Records in the ledger that it is exported. */
  recordExport(what: ExportRecord, options?: Signal): Promise<void>;
  /** Every entry from `from` on, page by page, until the ledger's end. */
  entries(options?: Signal & { readonly from?: number }): AsyncGenerator<LedgerEntry, void, undefined>;
};

export function operatorOperations(transport: Transport): OperatorOperations {
  const get = (path: string, { signal }: Signal = {}): Call => ({ method: "GET", path, idempotent: true, signal });
  const post = (path: string, body: Record<string, string>, { signal }: Signal = {}): Call => ({
    method: "POST",
    path,
    body,
    idempotent: false,
    signal,
  });
  return {
    createToken: async ({ expiresIn, ...token }, options) => {
      const body = { ...token, ...(expiresIn === undefined ? {} : { expires_in: expiresIn }) };
      return readNewToken(await transport.json(post("/v1/tokens", body, options)), "");
    },
    createScimToken: async (client, expiresIn, options) => {
      const body = { client, ...(expiresIn === undefined ? {} : { expires_in: expiresIn }) };
      return readNewScimToken(await transport.json(post("/v1/scim-tokens", body, options)), "");
    },
    tokens: async (options) => readTokens(await transport.json(get("/v1/tokens", options)), "").tokens,
    revokeToken: async (id, options) => {
      const call = post(`/v1/tokens/${encodeURIComponent(id)}/revoke`, {}, options);
      await transport.json({ ...call, idempotent: true });
    },
    createSignInLink: async (person, options) =>
      readSignInLink(await transport.json(post("/v1/sign-in-links", { person }, options)), ""),
    reload: async (options) => readReloaded(await transport.json(post("/v1/reload", {}, options)), ""),
    doctor: async (options) => readFindings(await transport.json(get("/v1/doctor", options)), "").findings,
    checkpoint: (options) => transport.text(get("/v1/ledger/checkpoint", options)),
    verifierKey: async (options) => (await transport.text(get("/v1/ledger/vkey", options))).trim(),
    publishedCheckpoint: (options) => transport.text(get("/ledger/checkpoint", options)),
    ledgerReceipt: (index, options) => transport.text(get(`/ledger/receipt/${index}`, options)),
    ledgerFile: (path, options) => transport.bytes(get(`/ledger/${path}`, options)),
    askErasure: async ({ legalBasis, ...wanted }, options) => {
      const call = post("/v1/erasures", { ...wanted, legal_basis: legalBasis }, options);
      return readErasureAsked(await transport.json(call), "");
    },
    performErasure: async (request, options) => {
      const call = post(`/v1/erasures/${encodeURIComponent(request)}/perform`, {}, options);
      return readErased(await transport.json(call), "");
    },
    exportEvents: async (from, options) => {
      const call = get(`/v1/export/events?from=${from}`, options);
      return readExportedEvents(await transport.json({ ...call, bytesMax: EXPORT_PAGE_BYTES_MAX }), "");
    },
    recordExport: async ({ format, from = null, to = null }, options) => {
      await transport.json({ ...post("/v1/exports", {}, options), body: { format, from, to } });
    },
    entries: (options = {}) => entries(transport, options.from ?? 0, options.signal),
  };
}

async function* entries(
  transport: Transport,
  from: number,
  signal?: AbortSignal,
): AsyncGenerator<LedgerEntry, void, undefined> {
  for (let next = from; ;) {
    const path = `/v1/ledger/entries?from=${next}&limit=${ENTRIES_PAGE}`;
    const call: Call = { method: "GET", path, idempotent: false, signal };
    const stop = new AbortController();
    const onAbort = (): void => stop.abort();
    signal?.addEventListener("abort", onAbort, { once: true });
    let count = 0;
    try {
      const body = await transport.open(call, "application/jsonl", stop);
      for await (const line of readLines(body, ENTRY_LINE_BYTES_MAX)) {
        if (line === "") continue;
        yield readLedgerEntry(parseJson(line, { bytesMax: ENTRY_LINE_BYTES_MAX }), "");
        count += 1;
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
      stop.abort();
    }
    if (count === 0) return;
    next += count;
  }
}
