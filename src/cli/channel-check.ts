import { visible } from "../core/card/index.ts";
import { EXIT, Failure } from "./failure.ts";
import { configPath } from "./settings.ts";
import { painter } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

/** One thing that was looked at: all is well where `problem` is null. */
type Finding = { readonly what: string; readonly problem: string | null };

type ChannelCheck = {
  /** The channel's name under `notify`, and of its page in docs/channels. */
  readonly channel: "slack" | "teams";
  readonly config: string | undefined;
  readonly json: boolean;
  /** What the service says of the settings in this file; null where they do not speak of the channel. */
  readonly ask: (path: string) => Promise<readonly Finding[] | null>;
};

/** Prints what a chat service says of the settings; the exit code says whether all is well. */
export async function checkChannel({ channel, config, json, ask }: ChannelCheck, terminal: Terminal): Promise<number> {
  const path = configPath({ config }, terminal);
  if (path === null) {
    throw new Failure({ code: "config_invalid", message: "There is no keyturn.yaml here; `keyturn init` writes one." });
  }
  const findings = await ask(path);
  if (findings === null) {
    const message = `keyturn.yaml has no \`notify: ${channel}:\`; docs/channels/${channel}.md says what to write.`;
    throw new Failure({ code: "config_invalid", message });
  }
  if (json) terminal.out(`${JSON.stringify({ findings })}\n`);
  else {
    const paint = painter(terminal, "out");
    for (const { what, problem } of findings) {
      const verdict = problem === null ? paint("green", "ok") : paint("red", "no");
      terminal.out(`${verdict}  ${visible(what)}${problem === null ? "" : `: ${visible(problem)}`}\n`);
    }
  }
  return findings.some(({ problem }) => problem !== null) ? EXIT.failed : EXIT.ok;
}
