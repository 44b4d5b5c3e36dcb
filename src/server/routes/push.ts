import { z } from "zod";
import type { Instant } from "../../core/brand.ts";
import type { House } from "../house.ts";
import { HttpProblem } from "../problem.ts";
import { BROWSERS_MAX, type Push } from "../push.ts";
import type { Routes } from "../route.ts";
import { timeOf } from "../views.ts";

const PushBody: z.ZodType<{ endpoint: string; keys: { p256dh: string; auth: string } }> = z.strictObject({
  endpoint: z.string().min(1).max(1024),
  keys: z.strictObject({
    p256dh: z.string().regex(/^[A-Za-z0-9_-]{87}$/, "write 65 bytes in base64url"),
    auth: z.string().regex(/^[A-Za-z0-9_-]{22}$/, "write 16 bytes in base64url"),
  }),
});
const EndPushBody: z.ZodType<{ session?: string | undefined }> = z.strictObject({
  session: z.string().min(1).max(64).optional(),
});

/** Web push: whether it is offered, turn it on in this browser, turn it off. It tells; nothing is decided by it. */
export function pushRoutes(routes: Routes, house: House): void {
  const { push } = house.channels;
  routes.add({
    method: "GET",
    url: "/v1/me/push",
    access: "person",
    summary: "The key that browsers subscribe to, and in which sessions of mine notifications are on",
    handler: async ({ who }) => {
      const kept = push === null ? [] : await push.kept.of(who.person);
      const subscriptions = kept.map(({ session, endpoint, since }) => ({
        session,
        current: session === who.id,
        service: new URL(endpoint).host,
        since: timeOf(since as Instant),
      }));
      return { key: push?.channel.publicKey ?? null, subscriptions };
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/me/push",
    access: "person",
    summary: "Turn notifications on in this browser, until this session ends",
    body: PushBody,
    handler: async ({ who, body }) => {
      const { kept, fault } = offered(push);
      const { endpoint, keys } = body;
      const message = fault({ endpoint, ...keys });
      if (message !== null) throw new HttpProblem({ status: 400, code: "push_unusable", message });
      if (!(await kept.keep({ session: who.id, person: who.person, endpoint, ...keys }))) {
        const full = `notifications are on in ${BROWSERS_MAX} of your sessions; end one of them first`;
        throw new HttpProblem({ status: 409, code: "push_limit", message: full });
      }
      return {};
    },
  });
  routes.add({
    method: "POST",
    url: "/v1/me/push/end",
    access: "person",
    summary: "Turn notifications off in this session, or in another one of mine",
    body: EndPushBody,
    handler: async ({ who, body }) => {
      // Only ever among the person's own: a session of somebody else is not there.
      await push?.kept.drop(who.person, body.session ?? who.id);
      return {};
    },
  });
  if (push !== null) forgetGone(house, push);
}

function offered(push: Push | null): Push {
  if (push !== null) return push;
  const message = "web push is not set up on this server; see `notify.push` in docs/notifications.md";
  throw new HttpProblem({ status: 404, code: "push_off", message });
}

/** Whoever was deactivated or has left is told nothing already; what is known of their browsers goes too. */
function forgetGone({ rules }: House, { kept }: Push): void {
  rules.people.onChange((before, after) => {
    for (const { id, active } of before.people.values()) {
      const isGone = active && after.people.get(id)?.active !== true;
      // What is left of it is forgotten at the next look: a session that is over has no browser.
      if (isGone) kept.dropAll(id).catch(() => {});
    }
  });
}
