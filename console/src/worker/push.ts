/**
 * Shows what the server pushed, and opens the page on a click. It asks the server nothing, keeps nothing, handles no
 * other request of the page, and decides nothing: a notification has no button.
 */

type Waiting = Event & { waitUntil(work: Promise<unknown>): void };
type Push = Waiting & { readonly data: { json(): unknown } | null };
type Click = Waiting & { readonly notification: Notification };
type Tab = { readonly url: string; focus(): Promise<unknown> };
declare const registration: ServiceWorkerRegistration;
declare const clients: {
  matchAll(of: { readonly type: "window"; readonly includeUncontrolled: true }): Promise<readonly Tab[]>;
  openWindow(url: string): Promise<unknown>;
};

/** The words are ours; of the push only what fits these lists is shown. */
const LEVELS = ["low", "medium", "high", "critical"];
const ENDS = ["approved", "denied", "expired", "cancelled", "failed"];
const REQUEST = /^arq_[0-9a-z]{1,64}$/i;

addEventListener("push", (event) => {
  const push = event as Push;
  push.waitUntil(show(read(push.data)));
});

addEventListener("notificationclick", (event) => {
  const click = event as Click;
  const { notification } = click;
  notification.close();
  // The tag is the request, or nothing that could be opened.
  click.waitUntil(open(REQUEST.test(notification.tag) ? `/requests/${notification.tag}` : "/"));
});

function read(data: Push["data"]): Readonly<Record<string, unknown>> {
  try {
    const said = data?.json();
    return typeof said === "object" && said !== null ? { ...said } : {};
  } catch {
    return {};
  }
}

/** A browser wants something to be shown for every push, also for one that says nothing we know. */
function show({ kind, request, level, status }: Readonly<Record<string, unknown>>): Promise<void> {
  const tag = typeof request === "string" && REQUEST.test(request) ? request : "keyturn";
  const body = tag === "keyturn" ? "Open Keyturn to see what waits." : tag;
  const risk = LEVELS.includes(String(level)) ? ` (${String(level)} risk)` : "";
  if (kind === "over") {
    const end = ENDS.includes(String(status)) ? String(status) : "over";
    // It takes the place of what was shown of this request, without another sound.
    return registration.showNotification(`No longer waiting: ${end}`, { tag, body, silent: true });
  }
  const title =
    kind === "reminder" ? `A request still waits, and its time is short${risk}` : `A request waits for you${risk}`;
  return registration.showNotification(title, { tag, body });
}

/** Goes to a page of ours: in a tab that shows it already, or in a new one. The address is made here, never pushed. */
async function open(path: string): Promise<void> {
  const url = new URL(path, location.origin).href;
  const tabs = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = tabs.find((tab) => tab.url === url);
  await (there === undefined ? clients.openWindow(url) : there.focus());
}
