import { declaredClassifier, lookUp } from "../../classifiers/declared/index.ts";
import type { Catalogue, CatalogueAction, TextSource } from "../../classifiers/declared/index.ts";
import type { Question } from "../../core/action/index.ts";
import type { Classification } from "../../core/risk/index.ts";
import type { Classifier } from "../../ports/classifier.ts";
import { joinTexts } from "./join.ts";
import { openPool } from "./pool.ts";
import { opaque } from "./text.ts";
import type { Texts } from "./text.ts";

/**
 * The classifier of the product: what the catalogue and the gate say of a call, and what the texts in its parameters do.
 * An action without texts is answered at once, and while the catalogue has none, no parser is ever loaded.
 */
export function composedClassifier(catalogue: Catalogue, texts: Texts = openPool(catalogue)): Classifier {
  const declared = declaredClassifier(catalogue);
  return {
    classify: (question) => {
      const own = declared.classify(question);
      const action = catalogue.actions.get(question.action.name);
      if (action === undefined || action.texts.length === 0) return own;
      const join = (answers: readonly Classification[]): Classification => joinTexts(own, answers, catalogue.factTypes);
      const answers = action.texts.map((source) => readText(question, action, source, texts));
      return answers.every(isReady) ? join(answers) : Promise.all(answers.map(async (answer) => answer)).then(join);
    },
  };
}

function isReady(answer: Classification | Promise<Classification>): answer is Classification {
  return !(answer instanceof Promise);
}

function readText(
  question: Question,
  action: CatalogueAction,
  { path, kind, pinned }: TextSource,
  texts: Texts,
): Classification | Promise<Classification> {
  const value = lookUp(question, path);
  if (value === undefined) return opaque(`It was called without \`${path.join(".")}\`, which says what it does.`);
  const tool = kind === "mcp" ? { name: question.action.name, effects: action.effects } : null;
  return texts.read({ kind, value, pointer: `/${path.join("/")}`, pinned, tool });
}
