/** A control that this evidence speaks to: what it shows, and what it leaves to be shown elsewhere. */
export type Mapping = {
  readonly framework: string;
  readonly control: string;
  readonly title: string;
  readonly shows: string;
  readonly leaves: string;
};

const ISO = "ISO/IEC 27001:2022 Annex A";
const SOC = "SOC 2 (Trust Services Criteria 2017)";
const NIST = "NIST SP 800-53 rev. 5";

/**
 * The controls by number. The evidence covers actions that came through a gate, in the period, and nothing else: no
 * control is met by a tool alone, and no line here says so.
 */
export const MAPPINGS: readonly Mapping[] = [
  {
    framework: ISO,
    control: "A.5.3",
    title: "Segregation of duties",
    shows: "For each released action: who asked, who approved, and that nobody who stands behind it was counted.",
    leaves: "Duties outside these gates; that the directory names the right people.",
  },
  {
    framework: ISO,
    control: "A.5.15, A.5.18",
    title: "Access control; access rights",
    shows: "The policies in force, each answer they gave, each permit with its single use.",
    leaves: "Rights that systems grant without asking a gate; reviews of access rights.",
  },
  {
    framework: ISO,
    control: "A.5.28",
    title: "Collection of evidence",
    shows: "Entries under a signed Merkle root, with a manifest, verifiable with tools of others.",
    leaves: "Custody of this archive once it left the organisation.",
  },
  {
    framework: ISO,
    control: "A.5.33",
    title: "Protection of records",
    shows: "Any changed, removed or reordered entry contradicts the signed root; witnesses notice a second history.",
    leaves: "Backups and retention of the server's own files; a root that nobody outside has kept can be signed anew.",
  },
  {
    framework: ISO,
    control: "A.8.2",
    title: "Privileged access rights",
    shows: "Each privileged action that was held, with approvers, risk, permit and outcome.",
    leaves: "Privileged access that does not pass a gate.",
  },
  {
    framework: ISO,
    control: "A.8.10, A.5.34",
    title: "Information deletion; privacy",
    shows: "Which payloads were erased, when, and on whose approval; headers without personal data.",
    leaves: "Copies that were exported before, this archive included.",
  },
  {
    framework: ISO,
    control: "A.8.15",
    title: "Logging",
    shows: "Decisions and outcomes recorded before their effect, gapless numbers, per-gate counts, the gap report.",
    leaves: "Logs of the systems behind the gates: compare their counts with the gap report.",
  },
  {
    framework: ISO,
    control: "A.8.17",
    title: "Clock synchronization",
    shows: "Times that went back, drift told by heartbeats, witnesses' times where there are witnesses.",
    leaves: "That the host's clock is synchronised with an approved source.",
  },
  {
    framework: ISO,
    control: "A.8.32",
    title: "Change management",
    shows: "Changes of policies, directory, catalogue and settings, with the digest of what came into force.",
    leaves: "The approval of those changes where it happens in another system, such as a code review.",
  },
  {
    framework: SOC,
    control: "CC6.1, CC6.3",
    title: "Logical access; least privilege and segregation of duties",
    shows: "Policy, approvals by distinct eligible people, single-use permits bound to one exact action.",
    leaves: "Provisioning and removal of access in the systems themselves.",
  },
  {
    framework: SOC,
    control: "CC6.7",
    title: "Restriction of data movement",
    shows: "Each export that a gate saw, its size as known or claimed, who approved it.",
    leaves: "Data that leaves by ways without a gate.",
  },
  {
    framework: SOC,
    control: "CC7.2, CC7.3",
    title: "Monitoring and evaluation of events",
    shows: "The exceptions of the period by kind, refused self-approvals and limits exceeded among them.",
    leaves: "That somebody looked at them in time.",
  },
  {
    framework: SOC,
    control: "CC8.1",
    title: "Change management",
    shows: "Changes deployed through a gate, and changes of the rules themselves, with times and digests.",
    leaves: "Testing and design of those changes.",
  },
  {
    framework: NIST,
    control: "AC-3(2)",
    title: "Dual authorization",
    shows:
      "Where policy asks for two people: two distinct, eligible, not barred people before release. (In no baseline.)",
    leaves: "Which actions need it: that is the organisation's choice.",
  },
  {
    framework: NIST,
    control: "AC-5, AC-6",
    title: "Separation of duties; least privilege",
    shows: "Refused self-approvals; permits for one action, used once.",
    leaves: "Standing privileges of the systems behind the gates.",
  },
  {
    framework: NIST,
    control: "AU-2, AU-3, AU-12",
    title: "Event logging; content of records; record generation",
    shows: "What, when, where, source, outcome and identities of each action through a gate.",
    leaves: "Events of other components.",
  },
  {
    framework: NIST,
    control: "AU-8",
    title: "Time stamps",
    shows: "Times in UTC with milliseconds; the clock report.",
    leaves: "The traceability of the host's clock.",
  },
  {
    framework: NIST,
    control: "AU-9, AU-9(3)",
    title: "Protection of audit information; cryptographic protection",
    shows: "A signed Merkle tree over all entries; a rewritten entry is found without our help.",
    leaves: "Access to the server and its signing key.",
  },
  {
    framework: NIST,
    control: "AU-10",
    title: "Non-repudiation",
    shows:
      "Approvals bound to the digest of the action that was shown; at assurance A3 signed with the approver's own passkey, verifiable with OpenSSL.",
    leaves: "Proof by the approver's own key, where assurance is below A3: the server vouches for those clicks.",
  },
  {
    framework: NIST,
    control: "CM-3, CM-5",
    title: "Configuration change control; access restrictions for change",
    shows: "Changes through a gate with their approvals; changes of the rules with their digests.",
    leaves: "Changes made around the gates.",
  },
];
