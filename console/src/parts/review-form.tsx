import { type ReactElement, type RefObject, useId, useRef, useState } from "react";
import type { Verdict, View } from "../model/view.ts";
import { announce } from "../state/announce.ts";
import { take } from "../state/requests.ts";
import { ApiError, postChallenge, postReview, type ReviewIntent } from "../wire/api.ts";
import { AlertIcon, CheckIcon, CrossIcon } from "./icons.tsx";

/** Bytes of a reason; the server refuses more. */
const REASON_BYTES_MAX = 2048;

type Props = {
  readonly view: View;
  /** Set when this page must not approve, whatever the server says. */
  readonly blocked: string | null;
  readonly approve: RefObject<HTMLButtonElement | null>;
  readonly deny: RefObject<HTMLButtonElement | null>;
};

/** A nonce that cannot be guessed; `randomUUID` is missing where the page came by plain HTTP. */
function newNonce(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The review with a passkey's signature over the statement of it. */
async function sign(view: View, body: ReviewIntent): Promise<ReviewIntent> {
  // Seldom wanted, so it comes when it is.
  const [{ signDecision }, { statement, options }] = await Promise.all([
    import("../wire/passkey.ts"),
    postChallenge(view.id, body),
  ]);
  return { ...body, assertion: await signDecision(view, body, statement, options) };
}

/** Approve and deny. One click each; a second click, or a retry after silence, is the same review. */
export function ReviewForm({ view, blocked, approve, deny }: Props): ReactElement {
  const [reason, setReason] = useState("");
  const [sending, setSending] = useState<Verdict | null>(null);
  const [alert, setAlert] = useState<string | null>(null);
  const intent = useRef<{ readonly verdict: Verdict; readonly nonce: string } | null>(null);
  const busy = useRef(false);
  const ids = useId();

  const send = async (verdict: Verdict): Promise<void> => {
    if (busy.current) return;
    busy.current = true;
    setSending(verdict);
    setAlert(null);
    if (intent.current?.verdict !== verdict) intent.current = { verdict, nonce: newNonce() };
    const said = reason.trim();
    try {
      const card = view.card_digest === undefined ? {} : { card: view.card_digest };
      const body = { verdict, digest: view.digest, nonce: intent.current.nonce, ...card };
      if (verdict === "approve" && view.me.sign === "sign_in") {
        const { proveReview } = await import("../wire/accounts.ts");
        window.location.assign(await proveReview(view.id, said === "" ? body : { ...body, reason: said }));
        return;
      }
      const signed = verdict === "approve" && view.me.sign === "passkey" ? await sign(view, body) : body;
      take([await postReview(view.id, said === "" ? signed : { ...signed, reason: said })]);
      intent.current = null;
      announce(verdict === "approve" ? "Your approval is recorded" : "Your denial is recorded");
      // The pressed button is about to go away; without this, the keyboard would start again at the top.
      document.getElementById("decision")?.focus({ preventScroll: true });
    } catch (error) {
      // Without an answer the review may have been recorded: the same nonce goes with the next try.
      if (!(error instanceof ApiError) || error.status !== 0) intent.current = null;
      setAlert(error instanceof Error ? error.message : String(error));
    } finally {
      busy.current = false;
      setSending(null);
    }
  };

  const tooLong = new TextEncoder().encode(reason).length > REASON_BYTES_MAX;
  const canApprove = view.me.can_approve && blocked === null && !tooLong;
  const canDeny = view.me.can_deny && !tooLong;
  if (!view.me.can_approve && !view.me.can_deny) return <WhyNot view={view} />;
  return (
    <div className="px-4 py-4 sm:px-5">
      {view.me.can_approve ? null : <WhyNot view={view} inside />}
      <label htmlFor={`${ids}-reason`} className="text-sm font-semibold text-soft">
        Reason
      </label>
      <p id={`${ids}-hint`} className="mb-1.5 text-sm text-faint">
        May stay empty. With a denial, it tells the agent what to do instead.
      </p>
      <textarea
        id={`${ids}-reason`}
        aria-describedby={`${ids}-hint`}
        rows={2}
        value={reason}
        aria-invalid={tooLong}
        onChange={(event) => setReason(event.target.value)}
        className="block max-h-48 min-h-16 w-full rounded-lg border border-edge bg-sheet px-3 py-2"
      />
      {tooLong ? <Alert text="The reason is longer than 2 KiB. Shorten it." /> : null}
      <div className="mt-3 grid grid-cols-2 gap-3">
        <button
          ref={approve}
          type="button"
          disabled={!canApprove}
          aria-busy={sending === "approve"}
          className="button enabled:bg-accent enabled:text-on-accent enabled:hover:bg-accent-hover"
          onClick={() => void send("approve")}
        >
          <CheckIcon />
          {sending === "approve" ? "Approving…" : "Approve"}
          <Key name="a" />
        </button>
        <button
          ref={deny}
          type="button"
          disabled={!canDeny}
          aria-busy={sending === "deny"}
          className="button enabled:border-bad enabled:text-bad enabled:hover:bg-bad-wash"
          onClick={() => void send("deny")}
        >
          <CrossIcon />
          {sending === "deny" ? "Denying…" : "Deny"}
          <Key name="d" />
        </button>
      </div>
      {canApprove && view.me.sign === "passkey" ? (
        <p className="mt-2 text-sm text-faint">To approve, your passkey signs exactly this.</p>
      ) : null}
      {canApprove && view.me.sign === "sign_in" ? (
        <p className="mt-2 text-sm text-faint">To approve, you sign in anew, for exactly this.</p>
      ) : null}
      {blocked === null ? null : <Alert text={blocked} />}
      {alert === null ? null : <Alert text={alert} />}
    </div>
  );
}

function WhyNot({ view, inside = false }: { readonly view: View; readonly inside?: boolean }): ReactElement {
  const spoken = view.me.refusal?.code === "already_reviewed";
  const because = view.me.refusal?.because ?? "This request is not open to you.";
  return (
    <div className={inside ? "mb-3" : "px-4 py-4 sm:px-5"}>
      <p className="font-semibold">{spoken ? "You have reviewed this" : "You cannot approve this"}</p>
      <p className="text-soft">{because}</p>
    </div>
  );
}

/** The key that goes to a button, where there are keys; not part of the button's name. */
function Key({ name }: { readonly name: string }): ReactElement {
  return (
    <kbd aria-hidden="true" className="kbd hidden border-current! text-current! opacity-80 lg:inline-block">
      {name}
    </kbd>
  );
}

function Alert({ text }: { readonly text: string }): ReactElement {
  return (
    <div role="alert" className="mt-3 flex gap-2 rounded-md bg-bad-wash px-3 py-2 text-bad">
      <span className="pt-1">
        <AlertIcon />
      </span>
      <p className="min-w-0">{text}</p>
    </div>
  );
}
