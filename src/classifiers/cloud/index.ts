import type { Classification } from "../../core/risk/index.ts";
import { openActions } from "./actions.ts";
import { classifyAws } from "./aws.ts";
import { classifyAz } from "./az.ts";
import { classifyGcloud } from "./gcloud.ts";
import type { Word } from "./words.ts";

/**
 * Classifies command lines of cloud CLIs. Each takes the words after the program's name, as the program receives them; a
 * word that is only known when the command runs is null, and makes the whole opaque.
 */
export type CloudClassifier = {
  readonly classifyAws: (words: readonly Word[]) => Classification;
  readonly classifyGcloud: (words: readonly Word[]) => Classification;
  readonly classifyAz: (words: readonly Word[]) => Classification;
};

/** Opens the tables of the cloud CLIs. */
export function loadCloud(): CloudClassifier {
  const actions = openActions();
  return { classifyAws: (words) => classifyAws(words, actions), classifyGcloud, classifyAz };
}

export type { Word } from "./words.ts";
