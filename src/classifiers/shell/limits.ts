/** Characters of a script or of one exec'd argv, in UTF-16 units; longer is opaque without being parsed. */
export const SCRIPT_CHARS_MAX = 65_536;
/** Words of one command, or of an exec'd argv. */
export const WORDS_MAX = 2_048;
/** Nodes and nesting of a syntax tree that is still walked. */
export const NODES_MAX = 30_000;
export const TREE_DEPTH_MAX = 120;
/**
 * Milliseconds that parsing one text may take. A text that cannot be parsed costs a general parser much more than one that
 * can, and one that takes too long is opaque; nothing that takes as long is ever let through.
 */
export const PARSE_MS_MAX = 80;
/** Signs whose number makes the parser's work grow faster than the text: pipes and here-documents. */
export const PIPES_MAX = 300;
export const HERE_DOCUMENTS_MAX = 32;
/** Scripts within scripts: `sh -c "sh -c …"`, and wrappers within wrappers. */
export const NESTED_SCRIPTS_MAX = 5;
export const WRAPPERS_MAX = 24;
/** Commands classified in one call, nested scripts and every value of a loop variable included. */
export const COMMANDS_MAX = 2_000;
/** Values that one variable, or all variables of one command together, may take. */
export const VALUES_MAX = 16;
/** Reasons, evidence per effect or trait, and parts for other classifiers that are kept; the rest only counts. */
export const REASONS_MAX = 16;
export const EVIDENCE_MAX = 4;
export const EMBEDDED_MAX = 32;
/** Members of a fact that is a list, and characters of each. */
export const FACT_LIST_MAX = 64;
export const FACT_CHARS_MAX = 1_024;
/** Characters of the agent's text that a sentence quotes. */
export const QUOTED_CHARS_MAX = 60;
/** Characters of a sed or awk program that is read; longer is opaque. */
export const PROGRAM_CHARS_MAX = 8_192;
/** Characters of nested scripts and programs of all commands together. */
export const NESTED_CHARS_MAX = 262_144;
/** Folders that a script may be in, and words of a loop that are looked at. */
export const FOLDERS_MAX = 8;
export const LOOP_WORDS_MAX = 64;
/** Characters of one value that is followed through variables, and evaluations of variables in one script. */
export const VALUE_CHARS_MAX = 4_096;
export const LOOKUPS_MAX = 5_000;
/** Variables that stand for variables that stand for variables. */
export const LOOKUP_DEPTH_MAX = 8;
