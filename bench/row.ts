import type { Percentiles } from 'caudal/traffic/percentiles.ts'

export type BenchOptions = { seconds: number; rate: number; profile: boolean; rows: string[] }

/** One line of a benchmark's report (interfaces.md); a row without a reference has nulls. */
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

/** A row from its throughput and its latencies. */
export function rowOf(
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
