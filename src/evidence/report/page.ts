import { clockReport, controls, gapReport, limits, rulesInForce, verifyYourself } from "./closing.ts";
import type { ReportData } from "./data.ts";
import { appendix, people, sampleList } from "./items.ts";
import { markup, Markup } from "./markup.ts";
import { activity, exceptionList, head, population, summary } from "./overview.ts";
import { STYLE } from "./style.ts";
import { day } from "../words.ts";

/** The report as one HTML page: no script, no link to anywhere, the charts within it. */
export function reportPage(data: ReportData): string {
  const title = `Evidence of privileged actions, ${day(data.period.from)} to ${day(data.period.to - 1)}`;
  const body = [
    head(data),
    summary(data),
    population(data),
    activity(data),
    exceptionList(data),
    gapReport(data),
    sampleList(data),
    people(data),
    rulesInForce(data),
    clockReport(data),
    controls(),
    limits(),
    verifyYourself(data),
    appendix(data),
  ];
  const page = markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title><style>${new Markup(STYLE)}</style></head>
<body><main>${body}</main></body></html>
`;
  return page.text;
}
