import { VALUES_MAX } from "./limits.ts";
import type { Syntax } from "./tree.ts";

/** One place that gives a variable a value: a node to evaluate, or null when the value cannot be known. */
export type Binding = {
  readonly values: readonly Syntax[] | null;
  /** The value is a number, whatever it is. */
  readonly numeric: boolean;
  /** Where the binding certainly holds: from an offset to another. Empty when it may not have happened. */
  readonly from: number;
  readonly to: number;
};

/** Who gives which variable a value, and which functions are certainly defined from where on. */
export type Names = {
  readonly bindings: ReadonlyMap<string, readonly Binding[]>;
  readonly functions: ReadonlyMap<string, number>;
  /** Commands that a function's definition makes mean something else from an unknown moment on. */
  readonly shadowed: ReadonlySet<string>;
};

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
const NEVER = { from: 0, to: -1 };
/** Commands that set the variables whose names they are given. */
const SETTERS = new Set(["read", "mapfile", "readarray", "getopts", "printf", "let", "unset", "wait", "local", "select", "export", "declare", "typeset", "readonly"]); // prettier-ignore

/** Collects, over a whole script, what its variables may hold: in any order, because loops and functions go back. */
export function namesOf(text: string, root: Syntax): Names {
  const bindings = new Map<string, Binding[]>();
  const functions = new Map<string, number>();
  const shadowed = new Set<string>();
  const bind = (name: string, binding: Binding): void => {
    const all = bindings.get(name) ?? [];
    bindings.set(name, all);
    if (all.length < VALUES_MAX) all.push(binding);
    else all.push({ values: null, numeric: false, ...NEVER });
  };
  const visit = (node: Syntax, certain: boolean, parent: string): void => {
    switch (node.type) {
      case "variable_assignment": {
        // `X=1 command` sets nothing for later, except before some built-ins of some shells.
        bindAssignment(text, node, certain && parent !== "command" && parent !== "redirected_statement", bind);
        break;
      }
      case "c_style_for_statement":
        bindCounters(text, node, bind);
        break;
      case "for_statement":
        bindLoop(text, node, bind);
        break;
      case "command":
        bindSetters(text, node, bind);
        break;
      case "unset_command":
        for (const child of node.children.slice(1))
          bind(text.slice(child.start, child.end), { values: null, numeric: false, ...NEVER });
        break;
      case "postfix_expression":
      case "unary_expression":
      case "binary_expression":
        bindArithmetic(text, node, bind);
        break;
      case "function_definition": {
        const name = node.children.find((child) => child.type === "word");
        if (name !== undefined) {
          const called = text.slice(name.start, name.end);
          shadowed.add(called);
          if (certain && !functions.has(called)) functions.set(called, node.end);
        }
        break;
      }
      default:
    }
    for (const [place, child] of node.children.entries()) {
      const background = node.children[place + 1]?.type === "&";
      const stays =
        node.type === "program" || node.type === "declaration_command" || node.type === "variable_assignments";
      visit(child, certain && !background && (stays || (node.type === "list" && place === 0)), node.type);
    }
  };
  visit(root, true, "");
  return { bindings, functions, shadowed };
}

type Bind = (name: string, binding: Binding) => void;

function bindAssignment(text: string, node: Syntax, certain: boolean, bind: Bind): void {
  const [target, operator, value] = node.children;
  if (target === undefined || operator === undefined) return;
  const name = NAME.exec(text.slice(target.start, target.end))?.[0];
  if (name === undefined) return;
  const plain = target.type === "variable_name" && operator.type === "=";
  const span = certain ? { from: node.end, to: text.length } : NEVER;
  if (!plain || value?.type === "array") bind(name, { values: null, numeric: false, ...span });
  else if (value?.type === "arithmetic_expansion") bind(name, { values: [], numeric: true, ...span });
  else bind(name, { values: value === undefined ? [node] : [value], numeric: false, ...span });
}

function bindLoop(text: string, node: Syntax, bind: Bind): void {
  const variable = node.children.find((child) => child.type === "variable_name");
  if (variable === undefined) return;
  const name = text.slice(variable.start, variable.end);
  const body = node.children.find((child) => child.type === "do_group" || child.type === "compound_statement");
  const end = node.children.findIndex((child) => child === body || child.type === ";" || child.type === "\n");
  const place = node.children.findIndex((child) => child.type === "in");
  const values = place < 0 || body === undefined ? null : node.children.slice(place + 1, end < place ? undefined : end);
  const words = values?.filter((child) => child.type !== "comment") ?? null;
  const isFor = node.children[0]?.type === "for";
  const span = body === undefined ? NEVER : { from: body.start, to: body.end };
  bind(name, { values: isFor ? words : null, numeric: false, ...span });
}

/** `for ((i = 0; …))`: its variables are numbers within it. */
function bindCounters(text: string, node: Syntax, bind: Bind): void {
  for (const child of node.children.filter(({ type }) => type === "variable_assignment")) {
    const name = NAME.exec(text.slice(child.start, child.end))?.[0];
    if (name !== undefined) bind(name, { values: [], numeric: true, from: node.start, to: node.end });
  }
}

function bindSetters(text: string, node: Syntax, bind: Bind): void {
  const head = node.children.find((child) => child.type === "command_name");
  const heads = head === undefined ? "" : text.slice(head.start, head.end).replace(/[\\'"]/g, "");
  const hidden = heads === "command" || heads === "builtin" || heads === "eval" || heads === "source" || heads === ".";
  if (!SETTERS.has(heads) && !hidden) return;
  for (const child of node.children) {
    // A flag may carry a name: `printf -vNAME`.
    const word = text
      .slice(child.start, child.end)
      .replace(/^-[a-z]/, "")
      .replace(/[\\'"]/g, "");
    const name = NAME.exec(word)?.[0];
    if (child !== head && name !== undefined) bind(name, { values: null, numeric: false, ...NEVER });
  }
}

/** Arithmetic leaves numbers behind. */
function bindArithmetic(text: string, node: Syntax, bind: Bind): void {
  const assigns = node.children.some((child) => /^(?:\+\+|--|[-+*/%&|^]?=|<<=|>>=)$/.test(child.type));
  if (!assigns) return;
  for (const child of node.children) {
    if (child.type !== "variable_name" && child.type !== "word") continue;
    bind(text.slice(child.start, child.end), { values: [], numeric: true, ...NEVER });
  }
}
