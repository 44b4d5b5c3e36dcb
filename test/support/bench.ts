import { generateKeyPairSync, randomBytes } from "node:crypto";
import { declaredClassifier, loadCatalogue } from "../../src/classifiers/declared/index.ts";
import { parseQuestion, type Json, type Question } from "../../src/core/action/index.ts";
import type { RequestState, Verdict } from "../../src/core/approval/index.ts";
import type { AgentId, GateId, PersonId } from "../../src/core/brand.ts";
import { formatId, type TokenId } from "../../src/core/ids.ts";
import { openEntry, type OpenedEntry } from "../../src/core/ledger/index.ts";
import {
  ask,
  Bus,
  evaluate,
  LIMITS_DEFAULT,
  newSurroundings,
  RateWindows,
  submitReview,
  Turns,
} from "../../src/engine/index.ts";
import type { Caller, EngineContext, Evaluation, Intent, Limits, Rules } from "../../src/engine/index.ts";
import { activeMembers, loadDirectory } from "../../src/identity/directory/index.ts";
import { loadPolicies } from "../../src/policies/cedar/index.ts";
import type { Store } from "../../src/ports/store.ts";
import { signerOf } from "../../src/server/keys.ts";
import { openMemoryStore } from "../../src/stores/memory/index.ts";
import { HandClock } from "./clock.ts";
import { RuleFiles, type RuleTexts } from "./rules.ts";

/** The engine without a server: real rules, the memory store, and a clock that stands still. */
export class Bench implements Disposable {
  readonly clock: HandClock = new HandClock();
  readonly store: Store;
  readonly ctx: EngineContext;
  rules: Rules;
  readonly #files: RuleFiles;

  constructor(limits: Partial<Limits> = {}, texts: RuleTexts = {}, store: Store = openMemoryStore()) {
    this.#files = new RuleFiles(texts);
    this.store = store;
    this.rules = this.#load(null);
    this.ctx = {
      store,
      clock: this.clock,
      chance: { bytes: (length) => randomBytes(length) },
      signer: signerOf(generateKeyPairSync("ed25519").privateKey),
      issuer: "ledger.example/1",
      limits: { ...LIMITS_DEFAULT, ...limits },
      windows: new RateWindows(),
      turns: new Turns(),
      rules: () => this.rules,
      bus: new Bus(),
      around: newSurroundings(store),
    };
  }

  /** Other rules from now on; memberships that were there keep their time. */
  change(texts: RuleTexts): void {
    this.#files.write(texts);
    this.rules = this.#load(this.rules);
  }

  #load(before: Rules | null): Rules {
    const { directory } = loadDirectory(this.#files.directory, before?.directory ?? null, this.clock.now());
    const catalogue = loadCatalogue(this.#files.catalogue);
    const policies = loadPolicies({
      dir: this.#files.policies,
      groups: activeMembers(directory),
      factTypes: catalogue.factTypes,
    });
    return { directory, policies, classifier: declaredClassifier(catalogue), catalogueDigest: catalogue.digest };
  }

  caller(agent = "report-bot", gate = "sdk", holder: string | null = null): Caller {
    const type = this.rules.directory.agents.get(agent as AgentId)?.type ?? "agent";
    const token: TokenId = formatId("token", randomBytes(16));
    return { agent: agent as AgentId, agentType: type, gate: gate as GateId, token, holder: holder as PersonId | null };
  }

  evaluate(question: Json, caller: Caller = this.caller()): Promise<Evaluation> {
    return evaluate(this.ctx, caller, parseQuestion(question));
  }

  async ask(question: Json, caller: Caller = this.caller(), evaluation?: Evaluation["id"]): Promise<RequestState> {
    const id = evaluation ?? (await this.evaluate(question, caller)).id;
    return ask(this.ctx, caller, { question: parsed(question), evaluation: id, client: null, key: null });
  }

  review(
    person: string,
    state: RequestState,
    verdict: Verdict = "approve",
    nonce: string = randomBytes(8).toString("hex"),
  ): ReturnType<typeof submitReview> {
    return submitReview(this.ctx, state.opened.id, intent(person, state.opened.digest, verdict, nonce));
  }

  /** Types of all entries from `from` on, in their order. */
  async types(from = 0): Promise<readonly string[]> {
    return (await this.entries(from)).map(({ type }) => type);
  }

  async entries(from = 0): Promise<readonly OpenedEntry[]> {
    return (await this.store.range(from, 100_000)).map((entry) => openEntry(entry.header, entry.payload, entry.salt));
  }

  async size(): Promise<number> {
    return (await this.store.head()).size;
  }

  [Symbol.dispose](): void {
    this.#files.remove();
  }
}

export function intent(person: string, digest: string, verdict: Verdict, nonce: string): Intent {
  const id = person as PersonId;
  return {
    reviewer: { person: id, link: "L3", assurance: "A1" },
    account: { issuer: "keyturn", subject: person },
    channel: "test",
    verdict,
    digest,
    reason: null,
    nonce,
  };
}

export function parsed(question: Json): Question {
  return parseQuestion(question);
}
