import { call } from "./api.ts";

/** In which of my sessions notifications are on. `key` is what browsers subscribe to; null where the server offers none. */
export type Pushes = {
  readonly key: string | null;
  readonly subscriptions: readonly {
    readonly session: string;
    readonly current: boolean;
    readonly service: string;
    readonly since: string;
  }[];
};

const WORKER = "/push-worker.js";

/** Why this browser cannot be told anything; null when it can. */
export function pushTrouble(): string | null {
  if (!window.isSecureContext) return "This page is not reached over TLS, and browsers offer notifications only there.";
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) {
    return "This browser offers no notifications to pages. On an iPhone or iPad, add Keyturn to the home screen first.";
  }
  if (Notification.permission === "denied") return "This browser was told to show no notifications of this page.";
  return null;
}

export async function getPushes(): Promise<Pushes> {
  return call<Pushes>("GET", "/v1/me/push");
}

/** Asks the browser's person, subscribes, and tells the server. Throws an `Error` that says what was in the way. */
export async function turnPushOn(key: string): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted") throw new Error("Notifications were not allowed.");
  const registration = await navigator.serviceWorker.register(WORKER, { scope: "/" });
  await navigator.serviceWorker.ready;
  const old = await registration.pushManager.getSubscription();
  // One that was made for another key of the server is of no use to it.
  if (old !== null && keyOf(old) !== key) await old.unsubscribe();
  const { endpoint, keys } = (
    await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key })
  ).toJSON();
  await call<object>("POST", "/v1/me/push", {
    endpoint,
    keys: { p256dh: keys?.["p256dh"] ?? "", auth: keys?.["auth"] ?? "" },
  });
}

/** Turns it off on the server first: a browser that fails to forget is told nothing all the same. */
export async function turnPushOff(session: string, isHere: boolean): Promise<void> {
  await call<object>("POST", "/v1/me/push/end", { session });
  if (!isHere || !("serviceWorker" in navigator)) return;
  const registration = await navigator.serviceWorker.getRegistration("/");
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
}

function keyOf({ options }: PushSubscription): string {
  const bytes = new Uint8Array(options.applicationServerKey ?? new ArrayBuffer());
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
