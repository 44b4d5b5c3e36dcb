import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Who is who in the tests: cy owns most agents, gil is cy's delegate, ann and bob are in both groups. */
export const DIRECTORY = `
people:
  - id: ann
    name: Ann Achterberg
    emails: [ann@example.com]
    accounts:
      - { issuer: "https://idp.example.com", subject: 00u-ann, strength: L4 }
      - { issuer: "https://chat.example.com", subject: U-ANN, strength: L2 }
  - { id: bob, name: Bob Baptiste, emails: [bob@example.com] }
  - id: cy
    name: Cy Castellanos
    emails: [cy@example.com, cy.private@example.org]
    accounts: [{ issuer: "https://git.example.com", subject: cy-codes, strength: L1 }]
  - { id: dee, name: Dee Dvorak, emails: [dee@example.com] }
  - { id: eve, name: Eve Eriksen, emails: [eve@example.com] }
  - { id: fay, name: Fay Fontaine, emails: [fay@example.com] }
  - { id: gil, name: Gil Garnier, emails: [gil@example.com] }
groups:
  data-owners: [ann, bob, cy, dee, gil]
  security: [ann, bob, cy, eve, fay]
agents:
  - { id: report-bot, owners: [cy] }
  - { id: deploy-bot, type: pipeline, owners: [cy], deployers: [eve] }
  - { id: other-bot, owners: [dee] }
  - { id: orphan-bot }
  - { id: retired-bot, owners: [cy], active: false }
delegations:
  - { from: cy, to: gil, until: "2099-01-01T00:00:00Z" }
`;

export const CATALOGUE = `
actions:
  customers.read:
    effects: [read]
    facts: { rows: { from: action.properties.limit, type: integer } }
  customers.export:
    title: Export customers to a file
    effects: [export]
    facts: { rows: { from: action.properties.limit, type: integer } }
  user.grant_role:
    effects: [escalate]
    facts: { role: { from: action.properties.role, type: string } }
  table.drop: { effects: [ddl] }
  audit.delete: { effects: [delete] }
resources:
  - { type: table, id: customers, sensitivity: [personal] }
  - { type: table, id: audit_log, sensitivity: [audit] }
environments: [production, staging]
`;

/** One hold that asks one group, one that asks for two people, one that asks for one of each of two groups. */
export const POLICIES = `
@id("permit-small-read")
permit (principal, action == Action::"read", resource)
when { context.facts has rows && context.facts.rows <= 100 };

@id("hold-export") @because("Data leaves with the consent of an owner.")
@hold @approvers("data-owners") @expires("1h")
forbid (principal, action == Action::"export", resource);

@id("hold-escalation") @because("More power takes two of security.")
@hold @approvers("security") @quorum("2") @expires("1h")
forbid (principal, action == Action::"escalate", resource);

@id("hold-drop") @because("A table goes when its owner and security agree.")
@hold @approvers("data-owners, security") @expires("1h")
forbid (principal, action == Action::"ddl", resource);

@id("hold-opaque") @because("Nobody knows what this does.")
@hold @approvers("security") @expires("1h")
forbid (principal, action == Action::"opaque", resource);

@id("forbid-audit") @because("The record is never changed.")
forbid (principal, action in [Action::"write", Action::"delete", Action::"ddl"], resource)
when { context.facts has sensitivity && context.facts.sensitivity.contains("audit") };
`;

/** Texts to be written instead of the usual ones. */
export type RuleTexts = { readonly directory?: string; readonly catalogue?: string; readonly policies?: string };

/** The files of one set of rules in a folder of its own. */
export class RuleFiles {
  readonly dir: string;
  readonly directory: string;
  readonly catalogue: string;
  readonly policies: string;

  constructor(texts: RuleTexts = {}) {
    this.dir = mkdtempSync(join(tmpdir(), "keyturn-test-"));
    this.directory = join(this.dir, "directory.yaml");
    this.catalogue = join(this.dir, "catalogue.yaml");
    this.policies = join(this.dir, "policies");
    mkdirSync(this.policies);
    this.write({ directory: DIRECTORY, catalogue: CATALOGUE, policies: POLICIES, ...texts });
  }

  write({ directory, catalogue, policies }: RuleTexts): void {
    if (directory !== undefined) writeFileSync(this.directory, directory);
    if (catalogue !== undefined) writeFileSync(this.catalogue, catalogue);
    if (policies !== undefined) writeFileSync(join(this.policies, "rules.cedar"), policies);
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A text with one piece replaced; a piece that is not there, once, is a mistake of the test. */
export function edited(text: string, from: string, to: string): string {
  if (text.split(from).length !== 2) throw new Error(`\`${from}\` stands ${text.split(from).length - 1} times`);
  return text.replace(from, () => to);
}
