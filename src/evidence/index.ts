export type {
  ActionRecord,
  ActionShown,
  EvaluationRecord,
  RawEntry,
  RecordStatus,
  RefusalRecord,
  ReviewRecord,
} from "./record.ts";
export { recordOf } from "./fold.ts";
export { recordsOf } from "./records.ts";
export { CSV_HEADER, csvLine, toCsv } from "./views/csv.ts";
export { toOcsf } from "./views/ocsf.ts";
export type { OcsfEvent, OcsfSource } from "./views/ocsf.ts";
export { toOscal } from "./views/oscal.ts";
export type { OscalSource } from "./views/oscal.ts";
export { isSampled, lineOf } from "./pack/actions.ts";
export type { ActionLine, Result, SampleOf } from "./pack/actions.ts";
export { RuleReader } from "./pack/changes.ts";
export type { RuleChange } from "./pack/changes.ts";
export { ClockReader } from "./pack/clocks.ts";
export type { Clock } from "./pack/clocks.ts";
export { Disclosure } from "./pack/disclosure.ts";
export type { Item, Items, ReadEntry } from "./pack/entry.ts";
export { ExceptionFinder } from "./pack/exceptions.ts";
export type { ExceptionKind, Exceptions } from "./pack/exceptions.ts";
export { GapFinder } from "./pack/gaps.ts";
export type { GateCounts, Gaps } from "./pack/gaps.ts";
export { manifestOf } from "./pack/manifest.ts";
export type { Listed } from "./pack/manifest.ts";
export { MAPPINGS } from "./pack/mappings.ts";
export type { Mapping } from "./pack/mappings.ts";
export { RangeFinder } from "./pack/range.ts";
export type { IndexRange, Period } from "./pack/range.ts";
export { drawSample, NONCE_CHARS_MAX, sampleSeed } from "./pack/sample.ts";
export { TAR_FILE_BYTES_MAX, tarEnd, tarHeader, tarPadding } from "./pack/tar.ts";
export type { TarFile } from "./pack/tar.ts";
export { XMOD_GO } from "./foreign/go.ts";
export { OPENSSL_SH } from "./foreign/openssl.ts";
export { DISCLOSURES_PY } from "./foreign/python.ts";
export { readme } from "./foreign/readme.ts";
export { signatureLines, SIGNATURES_SH } from "./foreign/signatures.ts";
export { SIGSTORE_CJS } from "./foreign/sigstore.ts";
export { ACTIONS_SHOWN_MAX } from "./report/data.ts";
export type { ReportData, Sample } from "./report/data.ts";
export { reportPage } from "./report/page.ts";
