import type { Json } from "../src/core/action/index.ts";
import type { Text } from "../src/server/classify/text.ts";

/** Numbers from 0 to below 1, the same for the same seed (mulberry32, public domain). */
export type Dice = () => number;

/** Dice of one seed. */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Kind = Text["kind"];

/** What each classifier reads gladly, to be broken from there. */
const SEEDS: Readonly<Record<Kind, readonly string[]>> = {
  sql: [
    "select a.*, count(*) over (partition by b order by c rows 2 preceding) from t a join u using (id) where x = any ($1)",
    "with recursive r(n) as (values (1) union all select n + 1 from r) delete from t using r where t.id = r.n returning *",
    "do $$ declare x int := 1; begin for r in select 1 loop execute 'drop table ' || r; end loop; end $$",
    "explain (analyze, format json) insert into t select * from generate_series(1, 10) on conflict do nothing",
    "copy (select 1) to program 'sh -c id'; set search_path = a, b; select set_config('role', 'x', false)",
    "create function f() returns trigger language plpgsql security definer as $f$ begin perform pg_sleep(1); end $f$",
    "select e'\\'', u&'\\0041', $a$ $b$ $a$, b'1', x'f', 1e10, (a).b[1:2], array[[1]], row(1), case when 1 then 2 end",
    "merge into t using u on t.a = u.a when matched then delete when not matched then insert values (1)",
  ],
  shell: [
    'for f in *.log; do grep -c "$f" <<< "${x:-$(cat y | sort -u)}" > /dev/null 2>&1 && echo $((i += 1)); done',
    "cat <<'EOF' | sed -e 's/a\\(b*\\)c/\\1/g;/x/d' | awk -F: '{ print $1, length($2) / 3 }' | xargs -0 -I{} sh -c 'echo {}'\nx\nEOF\n",
    "sudo env -i A=1 timeout 5 nice -n 3 bash -c \"ssh h 'find . -name x -exec rm {} +'\" & wait",
    'case "$1" in a|b) f() { (( x = y[1] ** 2 )); }; f;; *) [[ -v z && $a =~ ^(a|b)*$ ]];; esac',
    "git -c core.pager=x log --oneline -n 5 -- a b; psql -c 'select 1'; aws s3 ls s3://b; curl -sS http://h.example/a?b",
    "$'\\x72m' -rf ${a[@]/#x/y} {a,b}{1..3} !(x|y) ~user/$((1 << 2)) `date +%s` \"$(printf '%s' \"$x\")\"",
    "python3 -c 'print(1)' <(tar -tzf a.tgz) >(tee b) 3<>c; trap 'rm x' EXIT; read -r -p x y; printf -v z %d 1",
  ],
  argv: ["git log --oneline -n 5 -- src", "sh -c find_._-delete", "sudo -u x -- env A=1 rm -rf a", "xargs -0 sed -i s/a/b/"],
  aws: ["s3api get-object --bucket b --key k out", "iam attach-user-policy --user-name u --policy-arn arn:aws:iam::aws:policy/x", "ec2 describe-instances --filters Name=a,Values=b --query a[?b]", "--profile p --region r ssm send-command --parameters {\"commands\":[\"id\"]}"],
  gcloud: ["compute instances list --format=json(a.b) --filter=x:y", "projects add-iam-policy-binding p --member=user:x --role=roles/owner", "secrets versions access latest --secret=s --project p"],
  az: ["vm list -g g --query [].{a:b} -o table", "role assignment create --assignee x --role Owner --scope /subscriptions/s", "keyvault secret show --vault-name v --name n"],
  kubectl: ["get pods -n shop -o jsonpath={.items[*].metadata.name}", "exec -it web -c c -- sh -c id", "apply -f - --server-side", "--context c -n n delete deploy/x svc/y --all"],
  kubernetes: ["create pods shop", "get secrets kube-system", "impersonate users", "escalate clusterroles", "proxy nodes", "patch deployments/scale a"],
  terraform: ["-chdir=a apply -auto-approve -var x=y plan.out", "show -json plan.out", "state rm a.b[\"c\"]", "import aws_x.y id"],
  "terraform-plan": [
    '{"format_version":"1.2","resource_changes":[{"address":"aws_iam_policy.x","type":"aws_iam_policy","mode":"managed","change":{"actions":["delete","create"],"before":{"a":[1]},"after":{"policy":"{}"},"after_unknown":{"id":true}}}]}',
    '{"format_version":"1.2","configuration":{"root_module":{"resources":[{"type":"null_resource","provisioners":[{"type":"local-exec"}]}],"module_calls":{"m":{"module":{}}}}},"resource_changes":[]}',
  ],
  http: ["https://host.example/a/7?page=2",
    "https://user@host.example:8443/a/%2e%2e/b?c=d&e[]=f#g", "http://[::ffff:127.0.0.1]/", "http://0x7f.1/\\@evil.example", "HTTPS://ＥＸＡＭＰＬＥ.com/x;y"],
  mcp: ["select * from t", "rm -rf x | sh", "https://host.example/a", "../../etc/passwd", "plain words of a tool"],
}; // prettier-ignore

/** All kinds of texts. */
export const KINDS: readonly Kind[] = [
  ...(["sql", "shell", "argv", "aws", "gcloud", "az", "kubectl", "kubernetes"] as const),
  ...(["terraform", "terraform-plan", "http", "mcp"] as const),
];

/** What breaks lexers, nesting, escapes and expressions. */
const PIECES: readonly string[] = [
  ..."'|\"|`|$|\\|(|)|[|]|{|}|<|>|;|&|#|!|*|?|~|=|,|.|/|-|--|:|::|@|%|^|+| |\n|\t|\r|\0|\u0001".split("|"),
  ..."||¦&&¦$(¦${¦$((¦))¦<<¦<<<¦>&¦$$¦$a$¦/*¦*/¦-- ¦E'¦U&'¦''¦\\'¦[[¦]]¦;;¦{}¦%2e¦%00¦\\u0000¦\\x00¦a=¦-c¦--x=¦in¦do¦then".split(
    "¦",
  ),
  ..."select|from|where|begin|end|union|sh -c|eval|sudo|xargs|find|if|for|case|esac|function|null|true|0|1e999|-1|2147483648".split(
    "|",
  ),
  ..."é|ß|İ|ſ|\u202e|\u200b|\ufeff|\u2028|\ud800|\udc00|👩‍👩‍👧|ａ|／|aaaaaaaaaaaaaaaa|a b|a\\ b|__proto__|constructor|/etc/shadow".split(
    "|",
  ),
];

/** Brackets that parsers descend into. */
const NESTS: readonly (readonly [string, string])[] = [
  ["(", ")"], ["[", "]"], ["{", "}"], ["$(", ")"], ["`", "`"], ["${a:-", "}"], ["$((", "))"], ['"$(', ')"'], ["{ ", "; }"],
  ["select (", ")"], ["case when ", " end"], ["array[", "]"], ["sh -c '", "'"], ["sudo ", ""], ["not ", ""], ["if ", "; fi"],
  ['{"a":', "}"], ["a && ", ""], ["a|", "|b"], ["a.", ""], ["-", ""], ["!", ""], ["/*", "*/"], ["<(", ")"], ["a,", ""],
]; // prettier-ignore

/** The hostile text of one index, always the same for the same dice. */
export function hostileText(roll: Dice): Text {
  const kind = pick(roll, KINDS);
  const written = hostile(roll, kind);
  return { kind, value: valueOf(roll, kind, written), pointer: "/x", pinned: roll() < 0.7, tool: null };
}

function hostile(roll: Dice, kind: Kind): string {
  const size = roll() < 0.002 ? 60_000 : roll() < 0.01 ? 6_000 : roll() < 0.2 ? 600 : 60;
  const way = roll();
  if (way < 0.08) return pick(roll, PIECES).repeat(1 + Math.floor((roll() * size) / 4));
  if (way < 0.18) {
    const [open, close] = pick(roll, NESTS);
    const depth = 1 + Math.floor((roll() * size) / 8);
    return open.repeat(depth) + pick(roll, SEEDS[kind]) + close.repeat(roll() < 0.7 ? depth : depth >> 1);
  }
  if (way < 0.25) return Array.from({ length: 1 + Math.floor((roll() * size) / 3) }, () => pick(roll, PIECES)).join("");
  let text = pick(roll, SEEDS[roll() < 0.9 ? kind : pick(roll, KINDS)]);
  for (let changes = 1 + Math.floor(roll() * 6); changes > 0; changes -= 1) text = change(roll, text, kind);
  return text.length < size && roll() < 0.1 ? `${text}${pick(roll, ["\n", ";", " ", "|"])}`.repeat(4) : text;
}

function change(roll: Dice, text: string, kind: Kind): string {
  const at = Math.floor(roll() * (text.length + 1));
  const to = Math.min(text.length, at + Math.floor(roll() * 12));
  const way = roll();
  if (way < 0.4) return text.slice(0, at) + pick(roll, PIECES) + text.slice(at);
  if (way < 0.6) return text.slice(0, at) + text.slice(to);
  if (way < 0.75) return text.slice(0, at) + text.slice(at, to).repeat(1 + Math.floor(roll() * 5)) + text.slice(to);
  if (way < 0.85) return text.slice(0, at) + String.fromCharCode(Math.floor(roll() * 0x2_ff)) + text.slice(to);
  return text.slice(0, at) + pick(roll, SEEDS[kind]).slice(Math.floor(roll() * 20));
}

function valueOf(roll: Dice, kind: Kind, written: string): Json {
  // Now and then a value of a wrong shape: a list for a text, a number for a list.
  if (roll() < 0.01) return pick<Json>(roll, [null, 1, true, [], {}, [1], { a: null }, [[written]], ""]);
  const words = written.split(" ");
  switch (kind) {
    case "sql":
    case "shell":
    case "terraform-plan":
      return written;
    case "http":
      return roll() < 0.5 ? written : { method: pick(roll, ["GET", "POST", written.slice(0, 9)]), url: written };
    case "kubernetes": {
      const [verb = "", resource = "", namespace = ""] = words;
      const object = { spec: { [written.slice(0, 20)]: written }, kind: resource };
      return roll() < 0.5 ? { verb, resource, namespace } : { verb, resource, namespace, object };
    }
    case "mcp":
      return { [pick(roll, ["sql", "command", "url", "path", "query", written.slice(0, 9)])]: roll() < 0.5 ? written : [{ a: written }] };
    default:
      return words;
  }
} // prettier-ignore

function pick<T>(roll: Dice, all: readonly T[]): T {
  const one = all[Math.floor(roll() * all.length)];
  if (one === undefined) throw new RangeError("There is nothing to pick from.");
  return one;
}
