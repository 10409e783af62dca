import type { Percentiles } from 'caudal/traffic/percentiles.ts'

/** The plan of one load generator; sent to its process. */
export interface LoadPlan {
  url: string
  token: string
  /** `debit` and `hold_commit` send one command per request; `batch` is `POST /v1/batch`. */
  shape: 'debit' | 'hold_commit' | 'batch'
  connections: number
  seconds: number
  /** Chosen at random; the first one gets `hotShare` of all commands. */
  accountIds: readonly string[]
  hotShare: number
  /** The prefix of every reference, so that no two runs share one. */
  label: string
  commandsPerBatch: number
}

/** The result of a plan. An unsuccessful response fails the plan. */
export interface LoadResult {
  requests: number
  /** Successful debits, or pairs of hold and commit. */
  commands: number
  /** Of each request, or of each pair of requests. */
  latenciesMs: Percentiles
  elapsedMs: number
  /** CPU time of the generator's process. */
  cpuMs: number
}

/** The message that a load process sends when it ends. */
export type LoadReport = { result: LoadResult } | { error: string }
