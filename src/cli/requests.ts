import { setTimeout as sleep } from "node:timers/promises";
import type { View } from "../client/index.ts";
import { readArguments, SERVER } from "./arguments.ts";
import { connect } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { EXIT, usage } from "./failure.ts";
import { visible } from "../core/card/index.ts";
import { preview } from "./preview.ts";
import { table, timeLeft } from "./table.ts";
import type { Cell } from "./table.ts";
import { painter } from "./terminal.ts";
import type { Paint, Style, Terminal } from "./terminal.ts";

export const help = `keyturn requests: list approval requests

Shows what waits for people, the least time left first, and below each what it would run, in short: its command, its
statement or its parameters. \`keyturn review ID\` shows all of it. Uses your sign-in, or else the operator's token, which
may look but not decide.

Examples
  keyturn requests
  keyturn requests --status decided
  keyturn requests --watch
  keyturn requests --json | jq -r '.requests[] | select(.me.can_approve) | .id'

Options
  --status STATUS   pending (default), decided or all
  --limit N         at most so many (default 50)
  --watch           stay, and show every change; Ctrl-C ends it
  --data DIR        the server's data directory, which holds operator.token
  --url URL         the server
  --json            {"requests": […], "next_cursor"}; with --watch one request per line as it changes
`;

const STATUSES = ["pending", "decided", "all"];
const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 500;
/** Between two looks of --watch. */
const WATCH_EVERY_MS = 2_000;
/** Characters of what runs, where no screen says how many there are room for. */
const PREVIEW_CHARS = 160;
/** Beside a narrow screen, at least so many. */
const PREVIEW_CHARS_MIN = 40;

type Wanted = { readonly status: string; readonly limit: number };

/** Prints the list once, or for as long as somebody looks. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = {
    ...SERVER,
    status: { type: "string" },
    limit: { type: "string" },
    watch: { type: "boolean" },
  } as const;
  const { values } = readArguments(args, options, []);
  const wanted = { status: values.status ?? "pending", limit: Number(values.limit ?? LIMIT_DEFAULT) };
  if (!STATUSES.includes(wanted.status)) throw usage(`--status is ${STATUSES.join(", ")}, not \`${wanted.status}\`.`);
  if (!Number.isInteger(wanted.limit) || wanted.limit < 1 || wanted.limit > LIMIT_MAX)
    throw usage(`--limit is 1 to ${LIMIT_MAX}.`);
  const server = await connect(values, terminal, "reader");
  if (values.watch === true) return watch(server, wanted, values.json === true, terminal);
  const page = await server.ask((client) => client.requests(wanted));
  terminal.out(values.json === true ? `${JSON.stringify(page)}\n` : screen(page.requests, wanted, terminal));
  if (values.json !== true && page.next_cursor !== null)
    terminal.err(`There are more: raise --limit (now ${wanted.limit}).\n`);
  return EXIT.ok;
}

/** Looks again and again: it needs no stream, and so works for the operator as well. */
async function watch(server: Connection, wanted: Wanted, json: boolean, terminal: Terminal): Promise<number> {
  const seen = new Map<string, string>();
  const inPlace = terminal.screen.out && !json;
  for (;;) {
    const { requests } = await server.ask((client) => client.requests(wanted));
    if (inPlace) terminal.out(`\u001b[2J\u001b[H${screen(requests, wanted, terminal)}`);
    else for (const view of requests) tell(view, seen, json, terminal);
    // Line by line, a request that was told as pending is followed to its end.
    if (!inPlace && wanted.status === "pending") {
      const decided = await server.ask((client) => client.requests({ ...wanted, status: "decided" }));
      for (const view of decided.requests) if (seen.has(view.id)) tell(view, seen, json, terminal);
    }
    await sleep(WATCH_EVERY_MS);
  }
}

function tell(view: View, seen: Map<string, string>, json: boolean, terminal: Terminal): void {
  const state = JSON.stringify(view);
  if (seen.get(view.id) !== state) terminal.out(json ? `${state}\n` : `${line(view)}\n`);
  seen.set(view.id, state);
}

function screen(views: readonly View[], wanted: Wanted, terminal: Terminal): string {
  const paint = painter(terminal, "out");
  if (views.length === 0) {
    return wanted.status === "pending" ? "Nothing waits for people.\n" : "There are no such requests.\n";
  }
  const sorted = views.toSorted(byUrgency);
  return table(
    ["id", "risk", "what", "who", "needs", "left"],
    sorted.map((view) => row(view)),
    paint,
    sorted.map((view) => preview(view.action, previewChars(terminal))),
  );
}

function previewChars({ screen: { out }, columns }: Terminal): number {
  // One line stays one line: two columns are its indent.
  return out ? Math.max(PREVIEW_CHARS_MIN, columns - 2) : PREVIEW_CHARS;
}

/** Pending first, the least time left first; then the latest decided. */
function byUrgency(left: View, right: View): number {
  const pending = Number(right.status === "pending") - Number(left.status === "pending");
  if (pending !== 0) return pending;
  const times = Date.parse(left.expires_at) - Date.parse(right.expires_at);
  return left.status === "pending" ? times : -times;
}

function row(view: View): readonly Cell[] {
  const state = view.status === "pending" ? timeLeft(view.expires_at, Date.now()) : view.status;
  return [visible(view.id), riskCell(view), headline(view), visible(view.agent.id), needs(view), state];
}

function line(view: View): string {
  const runs = preview(view.action, PREVIEW_CHARS);
  return `${visible(view.id)} ${view.status} ${view.risk.level} ${headline(view)} by ${visible(view.agent.id)}, ${needs(view)}${runs === "" ? "" : `; ${runs}`}`;
}

/** `customers.export on table/customers in production`. */
export function headline(view: View): string {
  const where = view.environment === null ? "" : ` in ${visible(view.environment)}`;
  return `${visible(view.action.name)} on ${visible(view.resource.type)}/${visible(view.resource.id)}${where}`;
}

/** `1 of 2 security`, for each group. */
export function needs(view: View): string {
  return view.terms.map(({ group, quorum, filled }) => `${filled} of ${quorum} ${visible(group)}`).join(" and ");
}

const LEVELS: Readonly<Record<View["risk"]["level"], Style>> = {
  low: "green",
  medium: "yellow",
  high: "red",
  critical: "magenta",
};

/** The level in words, and painted: never colour alone. */
export function paintedRisk(view: View, paint: Paint): string {
  return paint(LEVELS[view.risk.level], `${view.risk.level} ${view.risk.score}`);
}

function riskCell(view: View): Cell {
  return { text: `${view.risk.level} ${view.risk.score}`, style: LEVELS[view.risk.level] };
}
