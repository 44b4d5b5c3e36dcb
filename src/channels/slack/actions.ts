/** Ids of our buttons, and of the dialog that asks for a reason. */
export const ACTION = {
  approve: "keyturn.approve",
  deny: "keyturn.deny",
  denyReason: "keyturn.deny_reason",
  open: "keyturn.open",
} as const;
export const REASON_VIEW = "keyturn.reason";
export const REASON_BLOCK = "reason";

/** What a button was put under: it carries no authority, core compares it with what stands. */
export type ButtonValue = { readonly request: string; readonly digest: string; readonly card: string };

/** As a button carries it. */
export function valueOf({ request, digest, card }: ButtonValue): string {
  return ["v1", request, digest, card].join(" ");
}

/** What a button of ours carried, or null. */
export function parseValue(text: string): ButtonValue | null {
  const [, request, digest, card] =
    /^v1 (arq_[0-9a-z]{26}) (sha256:[0-9a-f]{64}) (sha256:[0-9a-f]{64})$/.exec(text) ?? [];
  return request === undefined || digest === undefined || card === undefined ? null : { request, digest, card };
}
