/** A node of the parser's JSON: either a struct, or a wrapper `{ "SelectStmt": struct }` that names its kind. */
export type Tree = { readonly [field: string]: unknown };

/** Whether a value of the parser's JSON is a node rather than a scalar or a list. */
export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The struct in a field, or undefined. */
export function tree(node: Tree, field: string): Tree | undefined {
  const value = node[field];
  return isTree(value) ? value : undefined;
}

/** The text in a field; the parser leaves out empty ones. */
export function text(node: Tree, field: string): string {
  const value = node[field];
  return typeof value === "string" ? value : "";
}

/** The list in a field; the parser leaves out empty ones. */
export function list(node: Tree, field: string): readonly unknown[] {
  const value: unknown = node[field];
  return Array.isArray(value) ? value : [];
}

/** The kind and struct of a wrapper, or undefined for anything else. Kinds begin with a capital, fields do not. */
export function unwrap(value: unknown): readonly [kind: string, node: Tree] | undefined {
  if (!isTree(value)) return undefined;
  let kind: string | undefined;
  for (const key in value) {
    if (kind !== undefined) return undefined;
    kind = key;
  }
  if (kind === undefined || !isCapital(kind)) return undefined;
  const node = value[kind];
  return isTree(node) ? [kind, node] : undefined;
}

/** The struct of a wrapper of one kind, or undefined. */
export function ofKind(value: unknown, kind: string): Tree | undefined {
  return isTree(value) ? tree(value, kind) : undefined;
}

/** The parts of a name such as `pg_catalog.lower`; a part that is not a plain name becomes `*`, which no table lists. */
export function nameParts(items: readonly unknown[]): readonly string[] {
  return items.map((item) => {
    const name = ofKind(item, "String");
    return name === undefined ? "*" : text(name, "sval");
  });
}

/** The text of a string literal, with or without a cast around it, or undefined. */
export function literal(value: unknown): string | undefined {
  const cast = ofKind(value, "TypeCast");
  if (cast !== undefined) return literal(cast["arg"]);
  const constant = ofKind(value, "A_Const");
  const string = constant === undefined ? undefined : tree(constant, "sval");
  return string === undefined ? undefined : text(string, "sval");
}

/** The value of a whole-number literal, or undefined. The parser leaves out a zero. */
export function integer(value: unknown): number | undefined {
  const constant = ofKind(value, "A_Const");
  const number = constant === undefined ? undefined : tree(constant, "ival");
  if (number === undefined) return undefined;
  const written = number["ival"] ?? 0;
  return typeof written === "number" ? written : undefined;
}

/** A relation's name as written, `schema.name` when a schema is. */
export function relationName(rangeVar: Tree): string {
  return [text(rangeVar, "catalogname"), text(rangeVar, "schemaname"), text(rangeVar, "relname")]
    .filter((part) => part !== "")
    .join(".");
}

function isCapital(name: string): boolean {
  const first = name.charCodeAt(0);
  return first >= 65 && first <= 90;
}
