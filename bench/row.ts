import type { Percentiles } from 'caudal/traffic/percentiles.ts'

/**
 * The options of the command line. `rate` is in payments per second; undefined means the rate that
 * the machine holds. `rows` selects rows by name; empty means all.
 */
export type BenchOptions = {
  seconds: number
  rate?: number | undefined
  profile: boolean
  rows: string[]
}

/** One row of a benchmark's report. Rows without a reference have nulls. */
export type Row = {
  name: string
  per_second: number
  p50_ms: number
  p95_ms: number
  p99_ms: number
  reference_per_second: number | null
  ratio: number | null
  notes: string
} & Record<string, unknown>

/** Creates a row without a reference. */
export function createRow(
  name: string,
  perSecond: number,
  { p50, p95, p99 }: Percentiles,
  notes: string,
): Row {
  return {
    name,
    per_second: Math.round(perSecond * 10) / 10,
    p50_ms: p50,
    p95_ms: p95,
    p99_ms: p99,
    reference_per_second: null,
    ratio: null,
    notes,
  }
}
