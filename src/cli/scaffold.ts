/** The files that `keyturn init` writes: a small, working installation whose comments teach. */
export const SCAFFOLD: readonly (readonly [path: string, text: string])[] = [
  [
    "keyturn.yaml",
    `# Keyturn's settings. Paths are relative to this file; docs/configuration.md explains each of them.

# Where the server listens. Keep it on loopback and put a TLS proxy in front, or people's sign-ins travel unprotected.
listen: 127.0.0.1:7117

# The address that people and agents use, as it stands in links. Needed as soon as it is not the one above.
# public_url: https://keyturn.example

# All state: the ledger, its keys, the operator's token. Back it up; nobody else may read it.
data: ./data

# Who is who, what actions do, and what is allowed. The server reads them again when they change.
directory: ./directory.yaml
catalogue: ./catalogue.yaml
policies: ./policies

# Over these limits an agent is told to wait. The values are the defaults.
# limits:
#   pending_per_agent: 100
#   evaluations_per_minute: 6000
#   denial_cooldown_seconds: 600

# Identity providers at which people sign in. Without one, \`keyturn people sign-in\` makes links. See docs/sign-in.md.
# sign_in:
#   - name: okta
#     label: Okta
#     issuer: https://example.okta.com/oauth2/default
#     client_id: 0oa1b2c3
#     client_secret_file: ./okta.secret

# Changes of people that wait for another administrator, and how long whoever changed a group or a policy approves
# nothing that rests on it. The values are the defaults. See docs/people.md.
# people:
#   hold: [file, links, scim, oidc]
#   editor_days: 7

# Pipelines and services that exchange their platform's token for a short one of an agent. See docs/workload-identity.md.
# workloads:
#   - name: deploy
#     issuer: https://token.actions.githubusercontent.com
#     audience: https://keyturn.example
#     match:
#       repository_id: 74
#       job_workflow_ref: acme/shop/.github/workflows/deploy.yml@refs/heads/*
#     agent: my-agent
#     gate: ci

# Who is told that a request waits; without it only the console and the agent. See docs/notifications.md, and
# docs/channels/slack.md and docs/channels/teams.md for these two.
# notify:
#   mail:
#     host: mail.example.com
#     from: Keyturn <keyturn@example.com>
#   push:
#     contact: mailto:ops@example.com
#   webhooks:
#     - { name: tickets, url: "https://tickets.example.com/keyturn", secret_file: ./tickets.secret }

# A PostgreSQL that several servers share, in the place of the file in \`data\`. See docs/operations.md.
# store:
#   postgres: { url_file: ./database.url, ledger: main }

# Who has to agree before personal data is erased from the ledger; without it nothing can be. See docs/privacy.md.
# privacy: { approvers: security, quorum: 2 }

# Where a SIEM hears of every action, signed as Standard Webhooks says. See docs/export.md.
# export:
#   webhook: { url: "https://siem.example/keyturn", secret_file: ./webhook.secret, since: now }

# Others who watch that nobody is shown another history: \`keyturn witness\` prints its key. See docs/ledger.md.
# witnesses:
#   - { url: "https://witness.example", vkey: "witness.example/keyturn+0a1b2c3d+BA…" }
`,
  ],
  [
    "directory.yaml",
    `# Who is who. Keyturn counts people, not accounts: everybody has one id here. Only people review; agents never can.
# Replace these three by your own.

people:
  - { id: ann, name: Ann Example, emails: [ann@example.com] }
  - { id: bob, name: Bob Example, emails: [bob@example.com] }
  - { id: cy, name: Cy Example, emails: [cy@example.com] }

# Policies name groups. A membership counts from the moment the server first saw it: whoever joins after a request was
# opened cannot approve that request.
groups:
  data-owners: [ann, bob]
  security: [ann, bob, cy]

# What the people of a group may do beside reviewing; no role approves anything. See docs/people.md.
# roles:
#   admin: [security]
#   auditor: [security]

# Machines that act. Owners stand behind what their agent does, and so cannot approve it.
# A token for one of them: keyturn token create --agent my-agent --gate my-gate
agents:
  - { id: my-agent, owners: [cy] }
`,
  ],
  [
    "catalogue.yaml",
    `# What your actions do, in your words. What an agent says of an action can add to this, never take from it.
# What is not here is \`opaque\`: held for people, never let through alone.

actions:
  customers.read:
    title: Read customers
    effects: [read]
    facts:
      # Read from the call's own parameter. A call without it is opaque: an unknown number is not a small one.
      rows: { from: action.properties.limit, type: integer }

  customers.export:
    title: Export customers to a file
    effects: [export]
    facts:
      rows: { from: action.properties.limit, type: integer }

  user.grant_role:
    title: Give somebody a role
    effects: [escalate]
    facts:
      role: { from: action.properties.role, type: string }

  # What \`keyturn exec -- COMMAND\` asks for.
  process.exec:
    title: Run a command
    effects: [execute]
    # Its words are read as well, so that \`rm\` is also a delete. \`execute\` stays: a name does not say which file it starts.
    texts: [{ from: action.properties.argv, as: argv }]

  # What a statement does stands in the statement. \`session: pinned\`, once the gate sets search_path itself.
  sql.execute:
    title: Run SQL
    texts: [{ from: action.properties.sql, as: sql }]

# What is sensitive. Tags raise the risk, and policies can ask for them. \`*\` at the end stands for any ending.
resources:
  - { type: table, id: customers, sensitivity: [personal] }
  - { type: table, id: "audit_*", sensitivity: [audit] }

# Every environment there is. An action in another one is opaque.
environments: [production, staging, development]
`,
  ],
  [
    "policies/10-everyday.cedar",
    `// Policies are Cedar (https://www.cedarpolicy.com). Three kinds matter here:
//
//   permit          lets an action through at once
//   forbid          denies it, whoever approves
//   @hold forbid    denies it, unless these people approve
//
// forbid wins over every hold, a hold over every permit, and what nothing permits or holds is denied.
// \`action\` is an effect of the catalogue. Facts are optional: ask \`has\` first, or the policy does not load.
// Try a change with: keyturn policy check

// What is larger, or of a size that nobody knows, is held in the next file.
@id("permit-small-read")
@because("Up to 100 rows may be read without asking.")
permit (principal, action == Action::"read", resource)
when { context.facts has rows && context.facts.rows <= 100 };

@id("permit-reading-command")
@because("What a command reads needs nobody; that it runs at all is held below.")
permit (principal, action == Action::"read", resource)
when { context.action == "process.exec" };
`,
  ],
  [
    "policies/20-holds.cedar",
    `// What people decide. An agent may say that it works in development: only a gate that agents cannot configure makes that
// a fact, so that nothing here depends on it.
//
// @approvers names groups of directory.yaml, @quorum how many distinct people of each,
// @expires how long they have. Nobody who stands behind the agent counts.

@id("hold-export")
@because("Data leaves the house with the consent of one of its owners.")
@hold
@approvers("data-owners")
@expires("1h")
forbid (principal, action == Action::"export", resource);

@id("hold-escalation")
@because("More power for anybody takes two people of security.")
@hold
@approvers("security")
@quorum("2")
@expires("1h")
forbid (principal, action == Action::"escalate", resource);

// A statement that changes rows often reads others: \`DELETE … USING\` is a delete and a read, and every effect needs an answer.
// \`unless\` and not \`when\`: whatever no policy permits is held. When you permit more reads, name them here too.
@id("hold-other-read")
@because("More than 100 rows, or nobody knows how many: somebody of security has to look.")
@hold
@approvers("security")
@expires("30m")
forbid (principal, action == Action::"read", resource)
unless
{ context.action == "process.exec" || (context.facts has rows && context.facts.rows <= 100) };

@id("hold-change")
@because("Changes take somebody of security.")
@hold
@approvers("security")
@expires("30m")
forbid (
  principal,
  action in
    [
      Action::"write",
      Action::"delete",
      Action::"ddl",
      Action::"deploy",
      Action::"execute",
      Action::"network",
      Action::"secret.read"
    ],
  resource
);

@id("hold-not-understood")
@because("Nobody told Keyturn what this does, so somebody has to look.")
@hold
@approvers("security")
@expires("30m")
forbid (principal, action == Action::"opaque", resource);
`,
  ],
  [
    "policies/30-never.cedar",
    `// Without @hold there is nobody to ask.

@id("forbid-audit-tampering")
@because("The record of what happened is never changed, not even with approval.")
forbid (
  principal,
  action in [Action::"write", Action::"delete", Action::"ddl"],
  resource
)
when { context.facts has sensitivity && context.facts.sensitivity.contains("audit") };
`,
  ],
  [
    ".gitignore",
    `# State and keys never belong into a repository.
data/
`,
  ],
];
