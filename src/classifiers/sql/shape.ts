/** A bound of a text's shape, taken from its tokens before anything recursive reads it. */
export type Shape = {
  /** No node of the tree stands deeper than this many tokens. */
  readonly chain: number;
  /** The largest product, in one statement, of the columns of its assignments `SET (a, b) = …`. */
  readonly columns: number;
};

/** One open bracket, or the whole text: what hangs on one another in it so far. */
type Bracket = {
  /** Tokens since the last comma, AND or OR: PostgreSQL keeps the operands of those in flat lists. */
  tokens: number;
  /** CASE and JOIN since the last comma: they nest without brackets, past an AND. */
  nests: number;
  /** UNION, INTERSECT and EXCEPT since the last semicolon: they nest past commas. */
  unions: number;
  /** BETWEEN whose AND is still to come; that AND is no list. */
  betweens: number;
  commas: number;
  readonly before: string;
};

/** Tokens that one CASE, JOIN, UNION or BEGIN ATOMIC counts for, because a comma or AND inside it is forgotten. */
const NEST_WEIGHT = 4;

type Token = { readonly text: string; readonly tokenName: string };
type State = { top: Bracket; closed: Bracket | undefined; readonly open: Bracket[]; sum: number; product: number };

/** Measures the tokens of a text. Too large a bound is safe, too small a one is not: each rule here is the grammar's. */
export function measureShape(tokens: readonly Token[]): Shape {
  const state: State = { top: bracket(""), closed: undefined, open: [], sum: 0, product: 1 };
  let before = "";
  let chain = 0;
  let columns = 1;
  for (const token of tokens) {
    if (token.tokenName.endsWith("_COMMENT")) continue;
    const word = token.text.length > LONGEST_WORD ? "" : token.text.toLowerCase();
    step(state, word, before);
    before = word;
    chain = Math.max(chain, state.sum);
    columns = Math.max(columns, state.product);
  }
  return { chain, columns };
}

const LONGEST_WORD = "intersect".length;

function step(state: State, word: string, before: string): void {
  const { top } = state;
  switch (word) {
    case "(":
    case "[":
      count(state, 1);
      state.open.push(top);
      state.top = bracket(before);
      return;
    case ")":
    case "]":
      state.sum -= top.tokens + NEST_WEIGHT * (top.nests + top.unions);
      state.closed = top;
      state.top = state.open.pop() ?? bracket("");
      return;
    case "and":
      if (top.betweens > 0) {
        top.betweens -= 1;
        count(state, 1);
      } else forget(state, false);
      return;
    case "or":
      forget(state, false);
      return;
    case ",":
      forget(state, true);
      top.commas += 1;
      return;
    case ";":
      forget(state, true);
      state.sum -= NEST_WEIGHT * top.unions;
      top.unions = 0;
      if (state.open.length === 0) state.product = 1;
      return;
    case "case":
    case "join":
      top.nests += 1;
      state.sum += NEST_WEIGHT;
      return;
    case "union":
    case "intersect":
    case "except":
      top.unions += 1;
      state.sum += NEST_WEIGHT;
      return;
    case "atomic":
      state.sum += NEST_WEIGHT; // BEGIN ATOMIC nests past semicolons: never forgotten
      return;
    default:
      if (word === "between") top.betweens += 1;
      if (word === "=" && before === ")") assign(state);
      count(state, 1);
  }
}

function count(state: State, tokens: number): void {
  state.top.tokens += tokens;
  state.sum += tokens;
}

function forget(state: State, nests: boolean): void {
  const { top } = state;
  state.sum -= top.tokens + (nests ? NEST_WEIGHT * top.nests : 0);
  top.tokens = 0;
  if (nests) top.nests = 0;
}

/** `SET (a, b) =` or `, (a, b) =`: what follows stands in the parser's output once per column. */
function assign(state: State): void {
  const { closed } = state;
  if (closed === undefined || (closed.before !== "set" && closed.before !== ",")) return;
  state.product = Math.min(state.product * (closed.commas + 1), Number.MAX_SAFE_INTEGER);
}

function bracket(before: string): Bracket {
  return { tokens: 0, nests: 0, unions: 0, betweens: 0, commas: 0, before };
}
