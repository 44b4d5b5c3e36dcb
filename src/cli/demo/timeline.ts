import { visible } from "../../core/card/index.ts";
import { painter, type Style, type Terminal } from "../terminal.ts";
import type { Step } from "./agent.ts";

const MARKS: Readonly<Record<Step["kind"], readonly [mark: string, style: Style]>> = {
  starts: ["→", "dim"],
  held: ["‖", "yellow"],
  done: ["✓", "green"],
  earlier: ["·", "dim"],
  refused: ["✗", "red"],
};

/** Prints what happens, a line each, with the time and a mark that reads without colour too. */
export class Timeline {
  readonly #terminal: Terminal;
  readonly #json: boolean;

  constructor(terminal: Terminal, json: boolean) {
    this.#terminal = terminal;
    this.#json = json;
  }

  step(step: Step): void {
    if (this.#json) return this.#terminal.out(`${JSON.stringify({ event: "agent", ...step })}\n`);
    const [mark, style] = MARKS[step.kind];
    this.#line(style, mark, "report-bot", sentence(step));
  }

  decision(who: string, text: string): void {
    if (this.#json) return this.#terminal.out(`${JSON.stringify({ event: "decision", who, text })}\n`);
    this.#line("cyan", "⚿", who, text);
  }

  note(text: string): void {
    if (!this.#json) this.#terminal.out(`${text}\n`);
  }

  #line(style: Style, mark: string, who: string, text: string): void {
    const paint = painter(this.#terminal, "out");
    const time = new Date().toTimeString().slice(0, 8);
    this.#terminal.out(`${paint("dim", time)}  ${paint(style, mark)}  ${who.padEnd(12)} ${visible(text)}\n`);
  }
}

function sentence(step: Step): string {
  switch (step.kind) {
    case "starts":
    case "done":
    case "earlier":
      return step.text;
    case "held":
      return `held until people have decided: ${step.link}`;
    case "refused":
      return `${step.code}: ${step.text}`;
    default:
      return step satisfies never;
  }
}
