import assert from "node:assert/strict";
import { test } from "node:test";
import { load, problemsOf } from "./fixture.ts";

const PERMIT = `@id("p") permit (principal, action, resource);`;
const hold = (annotations: string, rest = ""): string =>
  `@id("h") @hold ${annotations}\nforbid (principal, action == Action::"export", resource)${rest};`;
const FULL = `@approvers("security") @expires("15m")`;

const expiresProblem: readonly string[] = [
  '1:39 `@expires` cannot be understood | write @expires("15m"), ("2h") or ("1d"); from one minute to seven days',
];

// Everything in this table would do less than its author believes if it were loaded.
const refused: readonly [string, string, readonly string[]][] = [
  [
    "no id",
    `permit (principal, action, resource);`,
    ['1:1 the policy has no `@id` | write a stable name that approvers will see, such as @id("hold-large-export")'],
  ],
  [
    "an id in capitals",
    `@id("P1")\npermit (principal, action, resource);`,
    ["1:1 `P1` cannot be an id | use up to 64 lower-case letters, digits, `-`, `_` and `.`"],
  ],
  ["an id twice", `${PERMIT}\n${PERMIT}`, ["2:1 the id `p` is used twice | the first is at a.cedar:1"]],
  [
    "an unknown annotation",
    hold(`${FULL} @quorom("2")`),
    ["1:55 unknown annotation `@quorom` | did you mean `@quorum`?"],
  ],
  [
    "an annotation of others",
    `@id("p") @owner("ann") permit (principal, action, resource);`,
    [
      "1:10 unknown annotation `@owner` | known: @approvers, @assurance, @because, @defer, @expires, @hold, @id, @modify, @notify, @quorum",
    ],
  ],
  [
    "hold on a permit",
    `@id("p") @hold @approvers("security") @expires("1h") permit (principal, action, resource);`,
    ['1:10 `@hold` stands on a permit | write `@hold` on a `forbid`: "denied, unless these people approve"'],
  ],
  [
    "approvers without hold",
    `@id("f") @approvers("security") forbid (principal, action, resource);`,
    ["1:10 `@approvers` without `@hold` would do nothing | add `@hold` above it"],
  ],
  [
    "quorum on a permit",
    `@id("p") @quorum("2") permit (principal, action, resource);`,
    ["1:10 `@quorum` without `@hold` would do nothing | remove it, or write a second policy: @hold forbid (…)"],
  ],
  [
    "a hold with a value",
    `@id("h") @hold("maybe") ${FULL} forbid (principal, action, resource);`,
    ["1:10 `@hold` does not know `maybe` | write `@hold` alone"],
  ],
  [
    "a hold without approvers",
    hold(`@expires("1h")`),
    [
      '1:1 a hold needs `@approvers` | name the groups that may approve: @approvers("security") or @approvers("security, data-owners")',
    ],
  ],
  [
    "a hold without end",
    hold(`@approvers("security")`),
    [
      '1:1 a hold needs `@expires` | say how long people may take: @expires("15m"), ("2h") or ("1d"); from one minute to seven days',
    ],
  ],
  [
    "approvers that are nobody",
    hold(`@approvers("") @expires("1h")`),
    ['1:16 `@approvers` names nobody | write @approvers("security") or @approvers("security, data-owners")'],
  ],
  [
    "a stray comma",
    hold(`@approvers("security,") @expires("1h")`),
    ['1:16 `@approvers` names nobody | write @approvers("security") or @approvers("security, data-owners")'],
  ],
  [
    "a group misspelled",
    hold(`@approvers("securty") @expires("1h")`),
    ["1:16 there is no group `securty` | did you mean `security`?"],
  ],
  [
    "a group unheard of",
    hold(`@approvers("legal") @expires("1h")`),
    ["1:16 there is no group `legal` | known: data-owners, empty, security"],
  ],
  [
    "a group twice",
    hold(`@approvers("security, security") @expires("1h")`),
    ["1:16 `security` is named twice | name each group once, and set @quorum"],
  ],
  [
    "a group without people",
    hold(`@approvers("empty") @expires("1h")`),
    ["1:16 1 of `empty` can never approve: it has 0 active members | lower the quorum, or add people to the group"],
  ],
  [
    "more people than there are",
    hold(`${FULL} @quorum("4")`),
    ["1:55 4 of `security` can never approve: it has 3 active members | lower the quorum, or add people to the group"],
  ],
  [
    "more of one of two groups",
    hold(`@approvers("security, data-owners") @expires("1h") @quorum("3")`),
    [
      "1:67 3 of `data-owners` can never approve: it has 2 active members | lower the quorum, or add people to the group",
    ],
  ],
  ["quorum zero", hold(`${FULL} @quorum("0")`), quorumProblem(55)],
  [
    "quorum seventeen",
    hold(`${FULL} @quorum("17")`),
    [
      ...quorumProblem(55),
      "1:55 17 of `security` can never approve: it has 3 active members | lower the quorum, or add people to the group",
    ],
  ],
  ["quorum in words", hold(`${FULL} @quorum("two")`), quorumProblem(55)],
  ["quorum left empty", hold(`${FULL} @quorum`), quorumProblem(55, "0 quorums")],
  [
    "quorums that do not match",
    hold(`${FULL} @quorum("1, 1")`),
    ["1:55 2 quorums for 1 groups | write one for all groups, or one for each"],
  ],
  ["half a minute", hold(`@approvers("security") @expires("30s")`), expiresProblem],
  ["eight days", hold(`@approvers("security") @expires("8d")`), expiresProblem],
  ["no time", hold(`@approvers("security") @expires("0m")`), expiresProblem],
  [
    "two people's passkeys of one person",
    hold(`${FULL} @assurance("A4")`),
    ['1:55 A4 is the passkeys of two people, and this asks for one | add @quorum("2"), or write "A3"'],
  ],
  [
    "nothing to enforce",
    hold(`${FULL} @assurance("A0")`),
    [
      '1:55 `@assurance` does not know `A0` | write "passkey" (A3), "reauthenticate" (A2), "A1" (a signed-in click) or "A4" (passkeys of two people)',
    ],
  ],
  [
    "a because that hides something",
    `@id("p")\n@because("fine \u202e!")\npermit (principal, action, resource);`,
    ["2:1 `@because` cannot be shown | write one plain sentence of at most 300 characters"],
  ],
  [
    "a template",
    `@id("t")\npermit (principal == ?principal, action, resource);`,
    ["2:22 this is a template, and nothing fills its slots | name the principal or the resource, or leave it open"],
  ],
  [
    "a slip of the pen",
    `@id("é") // é\npermit (principal, action, resource)\nwhen { context.hour >> 2 };`,
    [
      "3:22 unexpected token `>` | expected `!`, `(`, `-`, `[`, `{`, `false`, identifier, `if`, number, `?principal`, `?resource`, string literal, or `true`",
    ],
  ],
  [
    "an end that is missing",
    `${PERMIT}\n@id("q") permit (principal, action, resource)`,
    ["2:46 unexpected end of input | expected `;` or identifier"],
  ],
  [
    "an annotation twice",
    `@id("p") @id("q") permit (principal, action, resource);`,
    ["1:10 duplicate annotation: @id"],
  ],
  [
    "an action that does not exist",
    `@id("p") permit (principal, action == Action::"raed", resource);`,
    ['1:39 unrecognized action `Action::"raed"` | did you mean `Action::"read"`?'],
  ],
  [
    "a fact that may be missing",
    `@id("é") // é\npermit (principal, action == Action::"read", resource)\nwhen { context.facts.rows < 3 };`,
    [
      "1:1 `é` cannot be an id | use up to 64 lower-case letters, digits, `-`, `_` and `.`",
      '3:8 unable to guarantee safety of access to optional attribute `facts.rows` in context for Action::"read" | try testing for the attribute\'s presence with `context.facts has rows && ..`',
    ],
  ],
  [
    "a fact that no catalogue has",
    `@id("p") permit (principal, action, resource) when { context.facts has row && context.facts.row < 3 };`,
    ["1:1 policy is impossible: the policy expression evaluates to false for all valid requests"],
  ],
  [
    "a forbid that can never apply",
    `@id("f") forbid (principal, action, resource) when { false };`,
    ["1:1 policy is impossible: the policy expression evaluates to false for all valid requests"],
  ],
  [
    "letters that only look alike",
    `@id("f") forbid (principal, action, resource) when { resource.id == "pаypal" };`,
    ['1:69 string `"pаypal"` contains mixed scripts'],
  ],
];

function quorumProblem(column: number, also?: string): readonly string[] {
  if (also !== undefined) return [`1:${column} ${also} for 1 groups | write one for all groups, or one for each`];
  return [
    `1:${column} \`@quorum\` is a number from 1 to 16 | @quorum("2") asks two of every group, @quorum("2, 1") two of the first and one of the second`,
  ];
}

for (const [name, text, expected] of refused) {
  test(`refuses: ${name}`, () => assert.deepEqual(problemsOf(text), expected));
}

test("names all problems of all files at once, in order", () => {
  const files = { "b.cedar": `${PERMIT}\npermit (principal, action, resource);`, "a.cedar": `${PERMIT} ${hold("")}` };
  assert.deepEqual(
    problemsOf(files).map((problem) => problem.split(" | ")[0]),
    [
      "a.cedar:1:48 a hold needs `@approvers`",
      "a.cedar:1:48 a hold needs `@expires`",
      "b.cedar:1:1 the id `p` is used twice",
      "b.cedar:2:1 the policy has no `@id`",
    ],
  );
});

test("refuses a folder that is not one, has no policies, or hides some in a subfolder", () => {
  assert.deepEqual(problemsOf({ "notes.txt": "" }), [
    "policies:holds no policies | add a file that ends in .cedar; without a permit everything is denied",
  ]);
  assert.deepEqual(problemsOf({ "a.cedar": PERMIT, "more/b.cedar": PERMIT }), [
    "more:is a folder, and policies are read from one folder only | move its files up, or out of the policies",
  ]);
  assert.doesNotThrow(() => load({ "a.cedar": PERMIT, ".git/b.cedar": "?", "a.cedar.bak": "?" }));
});

test("finds policies behind comments and strings that look like ends of policies", () => {
  const { policies } = load(`// permit; @id("no")
@id("a") // ; not here
permit (principal, action, resource) when { resource.id == "; @id(\\"b\\") forbid" };

  @id("c") @because("One; two: \\"three\\".") forbid (principal, action, resource) when { resource.id like "*;" };
// end;`);
  assert.deepEqual(
    policies.map(({ id, kind, because, line }) => [id, kind, because, line]),
    [
      ["a", "permit", "The policy a permits this.", 2],
      ["c", "forbid", 'One; two: "three".', 5],
    ],
  );
});

test("the digest is of names and bytes: a comment counts, the folder does not", () => {
  const { digest } = load({ "a.cedar": PERMIT });
  assert.match(digest, /^sha256:[0-9a-f]{64}$/);
  assert.equal(load({ "a.cedar": PERMIT }).digest, digest);
  assert.notEqual(load({ "a.cedar": `${PERMIT}//` }).digest, digest);
  assert.notEqual(load({ "b.cedar": PERMIT }).digest, digest);
  assert.notEqual(load({ "a.cedar": PERMIT }, `${load(PERMIT).schema}// mine`).digest, digest);
});

test("a schema of one's own may add to the generated one, and must accept what will be asked", () => {
  const { schema } = load(PERMIT);
  const added = schema.replace("entity Agent;", "entity Team;\nentity Agent in [Team];");
  assert.doesNotThrow(() => load(`@id("p") permit (principal in Team::"x", action, resource);`, added));
  const missing = schema.replace('"escalate", ', "");
  assert.match(problemsOf(PERMIT, missing).join("\n"), /does not fit the questions about `escalate`.*only add to it/);
  const narrower = schema.replace("table?: String", "table: String");
  assert.match(problemsOf(PERMIT, narrower).join("\n"), /does not fit the questions about `read`/);
  assert.match(problemsOf(PERMIT, `${schema}\nentity é é`).join("\n"), /^\d+:\d+ /);
});
