/** One weak spot: how bad, which kind, and what to do about it. */
export type Finding = {
  readonly severity: "error" | "warning" | "info";
  readonly code: string;
  readonly message: string;
  readonly hint: string;
};
