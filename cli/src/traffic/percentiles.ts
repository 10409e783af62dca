/** Percentiles in milliseconds. */
export type Percentiles = { p50: number; p95: number; p99: number }

/** Nearest-rank percentiles in milliseconds, rounded to a tenth; zeros if there are no values. */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = Float64Array.from(values).toSorted()
  const at = (share: number): number => {
    const index = Math.max(0, Math.ceil(share * sorted.length) - 1)
    return Math.round((sorted[index] ?? 0) * 10) / 10
  }
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}
