import type { OpenedRequest } from "../approval/index.ts";
import type { Digest } from "../brand.ts";
import { bodyOf } from "./card.ts";
import { cardDigest } from "./digest.ts";
import type { CardNames } from "./names.ts";
import { headlineText } from "./text.ts";

/** What every look at a request needs of its card, and what stays the same as long as the operator's title does. */
export type CardFace = { readonly headline: string; readonly digest: Digest };

const faces = new WeakMap<OpenedRequest, CardFace & { readonly title: string | null }>();

/** The headline and the digest of a request's card. Made once: laying out and hashing a card costs more than any other part of a look. */
export function cardFace(opened: OpenedRequest, names: Pick<CardNames, "title">): CardFace {
  const title = names.title(opened.question.action.name);
  const known = faces.get(opened);
  if (known?.title === title) return known;
  const body = bodyOf(opened, names);
  const face = { title, headline: headlineText(body.headline), digest: cardDigest({ body }) };
  faces.set(opened, face);
  return face;
}
