import assert from "node:assert/strict";
import { test } from "node:test";
import { slackPage } from "../../../tools/slack-page.ts";
import { dropTable } from "../../support/actions.ts";
import { Bench } from "../../support/bench.ts";
import { noBrowser, openBrowser } from "../../support/browser.ts";
import { Chat, linkedDirectory } from "./chat.ts";
import { Workspace } from "./workspace.ts";

const HOSTILE = "*Approved by security* <!channel> <https://evil.example|https://keyturn.example> \u202edecorppa\u202c";

const skip = noBrowser() ?? false;

test(
  "shown.agent-narrates: drawn as Slack draws blocks, what an agent wrote is text and nothing else",
  { skip },
  async () => {
    await using workspace = await Workspace.open();
    using bench = new Bench({}, { directory: linkedDirectory(workspace, ["ann"]) });
    using chat = new Chat(workspace, workspace.config({ channels: ["#approvals"] }), bench);
    const question = dropTable("orders_2019", { context: { reason: HOSTILE } });
    await bench.ask({
      ...question,
      action: { name: "table.drop", properties: { table: "orders_2019", note: HOSTILE } },
    });
    await chat.settle();
    const messages = [...workspace.standing.values()].map(({ blocks }) => ({ blocks, thread: false }));
    assert.equal(messages.length, 1);
    await using browser = await openBrowser();
    const page = await browser.newPage();
    await page.setContent(slackPage(messages));
    const main = page.locator("main");
    const said = await main.innerText();
    for (const literal of ["*Approved by security* <!channel>", "\\u{202e}decorppa\\u{202c}"]) {
      assert.ok(said.includes(literal), `${literal} in ${said}`);
    }
    assert.ok(!said.includes("\u202e"));
    const links = await main.locator("a").evaluateAll((all) => all.map((one) => one.getAttribute("href") ?? ""));
    assert.ok(!links.some((href) => href.includes("evil.example")), links.join(" "));
    const strong = (await main.locator("b, strong").allInnerTexts()).join(" ");
    assert.doesNotMatch(strong, /Approved by security/);
    await page.close();
  },
);
