import { shown } from "./draft.ts";
import { DONE, literal } from "./leaf.ts";
import type { Done, Handler, Leaf } from "./leaf.ts";
import type { Embedded } from "./embedded.ts";
import { known } from "./word.ts";

type CloudKind = Exclude<Embedded["kind"], "sql" | "http">;

const KINDS: readonly (readonly [head: string, kind: CloudKind])[] = [
  ["aws", "aws"],
  ["gcloud", "gcloud"],
  ["az", "az"],
  ["kubectl", "kubectl"],
  ["terraform", "terraform"],
  ["tofu", "terraform"],
];

/** Tools that have a classifier of their own: their literal words go there, anything else is opaque. */
export const CLOUD_COMMANDS: readonly (readonly [string, Handler])[] = KINDS.map(([head, kind]) => [
  head,
  (leaf) => embed(leaf, kind),
]);

function embed(leaf: Leaf, kind: CloudKind): Done {
  const { draft, span, head, args } = leaf;
  const words = literal(args);
  if (kind === "kubectl") inner(leaf);
  if (words === null || leaf.stdin !== undefined) {
    draft.opaque(`${shown(head)} is given words that are not known.`, span);
    return DONE;
  }
  const because = `${shown([head, ...words].join(" "))} is for the classifier of ${kind}.`;
  draft.embed({ kind, argv: [head, ...words], because, span });
  return DONE;
}

/** `kubectl exec POD -- COMMAND`: the command counts beside what the other classifier says of it. */
function inner(leaf: Leaf): void {
  const { args, draft, span, script } = leaf;
  const end = args.findIndex(({ value }) => value === "--");
  const runs = args
    .slice(0, end < 0 ? undefined : end)
    .some(({ value }) => value !== null && /^(?:exec|run|debug|attach)$/.test(value));
  if (!runs) return;
  draft.effect("execute", "It runs a command in a container.", span);
  draft.trait("remote_target", "It runs a command in a container.", span);
  const command = end < 0 ? [] : args.slice(end + 1);
  if (command.length > 0)
    script.run(
      leaf,
      command.map((word) => word),
      undefined,
    );
  else if (end < 0) script.run(leaf, [known("kubectl-command")]);
}
