/** Counters and gauges of one process in Prometheus' text format (version 0.0.4). */
export class Metrics {
  readonly #counters = new Map<string, number>();

  count(name: string, labels: Readonly<Record<string, string>> = {}, by: number = 1): void {
    const key = `keyturn_${name}${labelText(labels)}`;
    this.#counters.set(key, (this.#counters.get(key) ?? 0) + by);
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
    return text;
  }
}

/** Label values come from closed sets of our own, never from input. */
function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
