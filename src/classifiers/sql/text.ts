import { quoted } from "../../core/risk/index.ts";
import type { Parser } from "./parser.ts";
import { measureShape } from "./shape.ts";

/** Bytes of UTF-8 of one text. */
export const SQL_BYTES_MAX = 1_048_576;

/** Words and signs of one text, counted generously; the parser's tree takes some 500 bytes for each. */
const SQL_TOKENS_MAX = 50_000;

/**
 * Tokens that may hang on one another, over all open brackets (`measureShape`). The parser
 * writes its tree recursively and an exhausted stack damages its memory: `(SELECT (SELECT …` falls at some 2,900.
 */
const CHAIN_MAX = 1_500;

/** Operator characters in a row. PostgreSQL's lexer takes time in the square of them. */
const OPERATOR_RUN_MAX = 128;
const OPERATOR_RUN = new RegExp(String.raw`[-+*/<>=~!@#%^&|?` + "`" + String.raw`]{${OPERATOR_RUN_MAX + 1}}`);

/** `SET (a, b) = (…)` stands in the tree once per column, nested ones as often as the product of their columns. */
const ASSIGNED_COLUMNS_MAX = 1_000;

/** A closing bracket with an equals sign after it, perhaps behind a comment. */
const ASSIGNS_ROW = /\)\s*(?:=|--|\/\*)/;

/** BEGIN, IF, LOOP and CASE in one PL/pgSQL body, in its comments too: each may nest in the one before. */
const BLOCKS_MAX = 500;
const BLOCK = /\b(?:begin|if|loop|case)\b/gi;

const BIDI_CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** Whether the text shows otherwise than it runs, by characters that turn the direction of writing. */
export function showsOtherwise(sql: string): boolean {
  return BIDI_CONTROLS.test(sql);
}

/** Why a text must not even be given to the parser, or null. */
export function refuseText(sql: string, parser: Parser, standardConformingStrings: boolean): string | null {
  if (sql.length > SQL_BYTES_MAX || Buffer.byteLength(sql) > SQL_BYTES_MAX) {
    return `The text is longer than ${SQL_BYTES_MAX} bytes.`;
  }
  // The parser's text ends at a NUL, the server's may not.
  if (sql.includes("\0")) return "The text has a NUL character.";
  if (!sql.isWellFormed()) return "The text is not well-formed Unicode.";
  if (sql.includes("/*!")) return "`/*! … */` is a comment here and code in another dialect.";
  if (!standardConformingStrings && sql.includes("\\")) {
    return "It has a backslash, and the gate does not vouch for `standard_conforming_strings = on`: where its strings end is not known.";
  }
  if (sql.length > OPERATOR_RUN_MAX && OPERATOR_RUN.test(sql)) {
    return `It has more than ${OPERATOR_RUN_MAX} operator characters in a row.`;
  }
  return refuseShape(sql, parser);
}

/** Why a function body must not be given to the parser of PL/pgSQL, or null. */
export function refuseBody(body: string): string | null {
  const blocks = body.match(BLOCK)?.length ?? 0;
  return blocks > BLOCKS_MAX ? `The body has more than ${BLOCKS_MAX} blocks.` : null;
}

function refuseShape(sql: string, parser: Parser): string | null {
  const assigns = ASSIGNS_ROW.test(sql) && /\bset\b/i.test(sql);
  if (sql.length <= CHAIN_MAX && !assigns) return null;
  const tokens = roughTokens(sql);
  if (tokens > SQL_TOKENS_MAX) return `It has more than ${SQL_TOKENS_MAX} words and signs.`;
  if (tokens <= CHAIN_MAX && !assigns) return null;
  const scanned = parser.scan(sql);
  if ("problem" in scanned) return `It is not understood as PostgreSQL: ${quoted(scanned.problem)}.`;
  const { chain, columns } = measureShape(scanned.value);
  if (chain > CHAIN_MAX) return `More than ${CHAIN_MAX} of its words and signs hang on one another.`;
  return columns > ASSIGNED_COLUMNS_MAX
    ? "It assigns too many columns at once, so that its tree would be too large."
    : null;
}

/** Starts of words and single signs, in strings and comments too, because telling those apart needs the lexer. */
function roughTokens(sql: string): number {
  let count = 0;
  let inWord = false;
  for (let at = 0; at < sql.length; at += 1) {
    const code = sql.charCodeAt(at);
    const word = code >= 128 || code === 95 || (code >= 48 && code <= 57) || ((code | 32) >= 97 && (code | 32) <= 122);
    if (word ? !inWord : code > 32) count += 1;
    inWord = word;
  }
  return count;
}

/** Turns the parser's offsets, which count bytes of UTF-8, into offsets of UTF-16; one pass, and none for plain ASCII. */
export function offsetsOf(sql: string): (byte: number) => number {
  let table: Uint32Array | undefined;
  const bytes = Buffer.byteLength(sql);
  return (byte) => {
    if (byte >= bytes) return sql.length;
    if (bytes === sql.length) return byte;
    table ??= offsetTable(sql, bytes);
    return table[byte] ?? sql.length;
  };
}

function offsetTable(sql: string, bytes: number): Uint32Array {
  const table = new Uint32Array(bytes + 1);
  let byte = 0;
  for (let at = 0; at < sql.length; at += 1) {
    const code = sql.charCodeAt(at);
    // A pair of surrogates is four bytes: two for each half.
    const size = code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 2 : 3;
    table.fill(at, byte, byte + size);
    byte += size;
  }
  table[bytes] = sql.length;
  return table;
}
