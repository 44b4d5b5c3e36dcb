/** What a benchmark is given. */
export type Options = {
  /** The built package that is measured, or `src`. */
  readonly dist: string;
  /** Seconds instead of minutes: to see that the benchmark works, not to measure. */
  readonly quick: boolean;
  readonly progress: (doing: string) => void;
};
