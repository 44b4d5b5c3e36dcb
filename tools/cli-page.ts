/** Writes docs/cli.md out of the commands' own help, so that the page cannot say anything else. */
import { writeFileSync } from "node:fs";
import { SECTIONS } from "../src/cli/commands.ts";

const HEAD = `# The command line

\`keyturn help\` lists the commands, \`keyturn help COMMAND\` explains one. In a clone, \`keyturn\` is
\`npx node src/cli/main.ts\`. This page is written by \`node tools/cli-page.ts\` from those explanations.

**Where the server is**: \`--url\`, \`KEYTURN_URL\`, \`listen\` of keyturn.yaml, the server of the last sign-in,
\`http://127.0.0.1:7117\`; the first of these that is there. Who is signed in at
\`public_url\` of that keyturn.yaml, and not at \`listen\`, asks there.

**Who is asking**: a person's commands use the session that \`sign-in\` keeps in \`~/.config/keyturn/session.json\`. The
operator's use \`--token\`, \`KEYTURN_TOKEN\` when it begins with \`kto_\`, the file that \`keys.operator\` of
keyturn.yaml names, or \`operator.token\` in the data directory: \`--data\`, \`data\` of keyturn.yaml, the demo's in
this folder, \`./data\`. A directory that \`--data\` names goes first, if it holds one.

**Output**: results on standard output, everything else on standard error. \`--json\` makes both JSON, one object a line;
an error is \`{"error": {"code", "message"}}\`. Colour only on a terminal, and not with \`NO_COLOR\`. Characters that cannot
be seen are written out, such as \`\\u{202e}\`, wherever an agent could have put them.

**Exit codes**: 0 done, 1 failed or refused, 2 wrong usage. \`exec\` has its own.
`;

/** The whole page. */
export async function cliPage(): Promise<string> {
  const sections = SECTIONS.map(async ({ title, commands }) => {
    const pages = commands.map(async ({ name, load }) => `### ${name}\n\n\`\`\`text\n${(await load()).help}\`\`\`\n`);
    return `## ${title}\n\n${(await Promise.all(pages)).join("\n")}`;
  });
  return `${HEAD}\n${(await Promise.all(sections)).join("\n")}`;
}

if (import.meta.main) writeFileSync("docs/cli.md", await cliPage());
