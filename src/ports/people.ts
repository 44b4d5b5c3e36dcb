import type { GroupName, PersonId, RequestId } from "../core/brand.ts";
import type { Account, Passkey, Person, Refusal } from "../core/approval/index.ts";
import type { Assurance } from "../core/policy/index.ts";
import type { DocumentChange } from "./store.ts";

/** Where a part of the directory comes from: the operator's file, Keyturn itself, a provisioning client, or the claims of a sign-in. */
export type Source = "file" | "keyturn" | `scim:${string}` | `oidc:${string}`;

/**
 * One step of a change. Putting replaces what this source says of the one who is named; removing what is not there does
 * nothing. A person of whom several sources speak is active while all of them say so.
 */
export type DirectoryStep =
  | {
      readonly step: "put_person";
      readonly source: Source;
      readonly person: {
        readonly id: PersonId;
        readonly name: string;
        readonly active: boolean;
        readonly emails: readonly string[];
      };
    }
  | { readonly step: "remove_person"; readonly source: Source; readonly person: PersonId }
  /** Joins a login to a person. `evidence` says in words how it was proven. */
  | { readonly step: "link"; readonly person: PersonId; readonly account: Account; readonly evidence: string }
  | { readonly step: "unlink"; readonly issuer: string; readonly subject: string }
  /** Members of one group from one source; the group's members are those of all its sources together. */
  | {
      readonly step: "put_group";
      readonly source: Source;
      readonly group: GroupName;
      readonly members: readonly PersonId[];
    }
  | { readonly step: "remove_group"; readonly source: Source; readonly group: GroupName }
  /** One member more or less of what this source says of a group. */
  | {
      readonly step: "join" | "leave";
      readonly source: Source;
      readonly group: GroupName;
      readonly person: PersonId;
    }
  | { readonly step: "enrol_passkey"; readonly person: PersonId; readonly passkey: Passkey }
  | { readonly step: "revoke_passkey"; readonly person: PersonId; readonly passkey: string };

/** Who makes a change: a signed-in person, who is then barred as its editor, or a machine. */
export type Editor =
  | { readonly kind: "person"; readonly person: PersonId; readonly assurance?: Assurance }
  | { readonly kind: "operator"; readonly claimed: string | null }
  | { readonly kind: "source"; readonly source: Source };

export type DirectoryChanged =
  /** In force, and an entry of the ledger. */
  | { readonly status: "applied" }
  /** What tightens is in force; what loosens waits for an administrator other than the editor. */
  | { readonly status: "held"; readonly request: RequestId }
  | { readonly status: "refused"; readonly refusal: Refusal };

/**
 * The one way in which people, groups, links and passkeys change beside the operator's file.
 *
 * - All steps or none; the entry is durable and the new roster in force when it resolves with `applied`. A change that
 *   changes nothing is `applied` without an entry; its documents are written.
 * - Steps that loosen (somebody new who could approve, a link, a passkey, an administrator) are held for an administrator once there is
 *   more than one; the rest of the same change applies at once.
 * - `documents` are written in the same commit: what a source has to remember of its own.
 * - Changes apply one after the other. Reads answer what is in force, and never what is held.
 */
export interface People {
  change(
    steps: readonly DirectoryStep[],
    editor: Editor,
    documents?: readonly DocumentChange[],
  ): Promise<DirectoryChanged>;
  /** Whose login this is, by any link; undefined for nobody's. The link's strength stands in the person's accounts. */
  holderOf(issuer: string, subject: string): Person | undefined;
  /** Groups that this source says the person is in. */
  groupsOf(source: Source, person: PersonId): readonly GroupName[];
  /** Members that this source says the group has; undefined where it says nothing of the group. */
  membersOf(source: Source, group: GroupName): readonly PersonId[] | undefined;
}
