/** Upper bounds of the histograms, in seconds: from a commit in memory to the longest patience of a store. */
const BUCKETS: readonly number[] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Histogram = { readonly counts: number[]; sum: number; total: number };

/** Counters, histograms and gauges of one process in Prometheus' text format (version 0.0.4). */
export class Metrics {
  readonly #counters = new Map<string, number>();
  readonly #histograms = new Map<string, Histogram>();

  count(name: string, labels: Readonly<Record<string, string>> = {}, by: number = 1): void {
    const key = `keyturn_${name}${labelText(labels)}`;
    this.#counters.set(key, (this.#counters.get(key) ?? 0) + by);
  }

  /** How long something took, in seconds. */
  observe(name: string, seconds: number): void {
    let histogram = this.#histograms.get(name);
    if (histogram === undefined) {
      this.#histograms.set(name, (histogram = { counts: BUCKETS.map(() => 0), sum: 0, total: 0 }));
    }
    let bucket = 0;
    while (bucket < BUCKETS.length && seconds > (BUCKETS[bucket] ?? 0)) bucket += 1;
    if (bucket < BUCKETS.length) histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1;
    histogram.sum += seconds;
    histogram.total += 1;
  }

  render(gauges: Readonly<Record<string, number>>): string {
    const lines = [...this.#counters].map(([key, value]) => [key, "counter", value] as const);
    const all = [
      ...lines,
      ...Object.entries(gauges).map(([name, value]) => [`keyturn_${name}`, "gauge", value] as const),
    ];
    const typed = new Set<string>();
    let text = "";
    for (const [key, type, value] of all.toSorted((a, b) => a[0].localeCompare(b[0]))) {
      const name = key.split("{")[0] ?? key;
      if (!typed.has(name)) text += `# TYPE ${name} ${type}\n`;
      typed.add(name);
      text += `${key} ${value}\n`;
    }
    return (
      text + [...this.#histograms].map(([name, histogram]) => histogramText(`keyturn_${name}`, histogram)).join("")
    );
  }
}

function histogramText(name: string, { counts, sum, total }: Histogram): string {
  let below = 0;
  const buckets = BUCKETS.map((bound, at) => {
    below += counts[at] ?? 0;
    return `${name}_bucket{le="${bound}"} ${below}\n`;
  });
  const end = `${name}_bucket{le="+Inf"} ${total}\n${name}_sum ${sum}\n${name}_count ${total}\n`;
  return `# TYPE ${name} histogram\n${buckets.join("")}${end}`;
}

/** Label values come from closed sets of our own, never from input. */
function labelText(labels: Readonly<Record<string, string>>): string {
  let text = "";
  for (const [name, value] of Object.entries(labels)) text += `${text === "" ? "{" : ","}${name}="${value}"`;
  return text === "" ? "" : `${text}}`;
}
