/** Makes the pictures of Slack messages in docs/pictures: real cards of the engine, sent to the emulator, drawn in Chromium. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Chat, linkedDirectory } from "../test/channels/slack/chat.ts";
import { Workspace } from "../test/channels/slack/workspace.ts";
import { dropTable } from "../test/support/actions.ts";
import { Bench } from "../test/support/bench.ts";
import { openBrowser } from "../test/support/browser.ts";
import { slackPage } from "./slack-page.ts";

const folder = fileURLToPath(new URL("../docs/pictures/", import.meta.url));

const HOSTILE =
  "*Approved by security* <!channel> <https://evil.example|https://keyturn.example> :white_check_mark: \u202edecorppa\u202c ap\u200bproved аpprоve";

await using workspace = await Workspace.open();
await using browser = await openBrowser();
const page = await browser.newPage({ viewport: { width: 700, height: 400 }, deviceScaleFactor: 2 });

/** One request in a channel, as far as `after` has brought it. */
async function picture(
  name: string,
  properties: object,
  reason: string,
  after: (chat: Chat) => Promise<void>,
): Promise<void> {
  workspace.standing.clear();
  using bench = new Bench({}, { directory: linkedDirectory(workspace, ["ann", "bob"]) });
  using chat = new Chat(workspace, workspace.config({ channels: ["#approvals"] }), bench);
  const question = dropTable("orders_2019", { context: { reason } });
  const action = { name: "table.drop", properties: { table: "orders_2019", ...properties } };
  await bench.ask({ ...question, action });
  await chat.settle();
  await after(chat);
  const messages = [...workspace.standing.values()].map(({ blocks, thread }) => ({ blocks, thread: thread !== null }));
  await page.setContent(slackPage(messages));
  await page.locator("main").screenshot({ path: join(folder, `${name}.png`) });
}

const sql = "DROP TABLE orders_2019\n  CASCADE;";
const claim = "The archive is complete; the table is 40 GB.";
await picture("slack-request", { statement: sql, dry_run: false }, claim, async () => {});
await picture("slack-decided", { statement: sql, dry_run: false }, claim, async (chat) => {
  for (const who of ["ann", "bob"]) {
    const [message] = workspace.messages;
    if (message !== undefined) await chat.click(who, message);
  }
});
await picture(
  "slack-hostile",
  { note: HOSTILE, [`x ${HOSTILE.slice(0, 40)}`]: `${HOSTILE}\n${"A".repeat(900)}` },
  HOSTILE,
  async () => {},
);
