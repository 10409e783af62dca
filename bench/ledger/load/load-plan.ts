import type { Percentiles } from 'caudal/traffic/percentiles.ts'

/** What one load generator does; travels to its process. */
export interface LoadPlan {
  url: string
  token: string
  /** `debit` and `hold_commit` are one command a request, `batch` is `POST /v1/batch`. */
  shape: 'debit' | 'hold_commit' | 'batch'
  connections: number
  seconds: number
  /** Debited in turns; with `hotShare` the first one gets that share of all commands. */
  accountIds: readonly string[]
  hotShare: number
  /** Begins every key and reference, so that no two runs share one. */
  label: string
  commandsPerBatch: number
}

/** What came of it; a wrong answer is no figure but a failure. */
export interface LoadResult {
  requests: number
  /** Debits booked, or pairs of hold and commit. */
  commands: number
  /** Of a request; of a pair both requests together. */
  latenciesMs: Percentiles
  elapsedMs: number
  /** CPU time of the generator's own process. */
  cpuMs: number
}

export type LoadReport = { result: LoadResult } | { error: string }
