export { cardOf } from "./card.ts";
export type { Card, CardBody, Headline } from "./card.ts";
export { approvesByClick } from "./click.ts";
export { cardDigest, shortDigest } from "./digest.ts";
export { cardFace } from "./face.ts";
export type { CardFace } from "./face.ts";
export { fitting } from "./fitting.ts";
export type { Fitting } from "./fitting.ts";
export type { Limited } from "./limited.ts";
export { linesOf, literal, literalLines, visible } from "./literal.ts";
export { lookalike } from "./lookalike.ts";
export type { Member, Members } from "./members.ts";
export type { CardNames } from "./names.ts";
export { isEnd, newsLines } from "./news.ts";
export type { NewsLine } from "./news.ts";
export type { CardProgress, CardReview } from "./progress.ts";
export { shown } from "./shown.ts";
export type { Literal } from "./shown.ts";
export {
  alikeText,
  barredText,
  headlineText,
  leadText,
  literalText,
  minuteText,
  needsText,
  reviewText,
  shortened,
  statusText,
  titleText,
} from "./text.ts";
