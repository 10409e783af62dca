import assert from 'node:assert/strict'
import type { Db } from '@caudal/postgres/types.ts'
import type { Percentiles } from 'caudal/traffic/percentiles.ts'
import { checkBalances, countTransfers, untilDrained } from './check-books.ts'
import { explainCpu, readCpuTimes } from './cpu-times.ts'
import type { LoadPlan } from './load/load-plan.ts'
import { runLoad } from './load/run-load.ts'

/** What is measured, wherever it runs. */
export type Workload = Pick<LoadPlan, 'shape' | 'connections' | 'hotShare'>

/** The side that is measured: the ledger with its database, or the reference with none. */
export interface Target {
  url: string
  token: string
  accountIds: readonly string[]
  /** As the owner of the ledger's tables; of the reference only the answers are counted. */
  owner: Db | null
}

export interface Measured {
  /** Commands, or pairs, until the last one is answered and published. */
  perSecond: number
  latenciesMs: Percentiles
  requests: number
  drainMs: number
  /** Of the load generator's CPU, by the request. */
  generatorUs: number
  /** Where the CPU's time went, in microseconds by the command. */
  cpu: string
}

const COMMANDS_PER_BATCH = 100
let runs = 0

/**
 * Measures a workload. The clock stops when the relay has published everything; then the books are
 * checked: balances equal entries, and as many transfers are booked as were answered.
 */
export async function measure(
  { url, token, accountIds, owner }: Target,
  workload: Workload,
  seconds: number,
): Promise<Measured> {
  const before = owner && (await countTransfers(owner))
  const cpuBefore = await readCpuTimes()
  const result = await runLoad({
    ...workload,
    url,
    token,
    accountIds,
    seconds,
    label: `${process.pid}-${(runs += 1)}`,
    commandsPerBatch: COMMANDS_PER_BATCH,
  })
  const answeredAt = performance.now()
  if (owner) await untilDrained(owner)
  const drainMs = performance.now() - answeredAt
  const cpu = explainCpu(cpuBefore, await readCpuTimes(), result.commands)
  if (owner) {
    const after = await countTransfers(owner)
    const kinds = workload.shape === 'hold_commit' ? ['hold', 'commit'] : ['debit']
    for (const kind of kinds) {
      const booked = (after.get(kind) ?? 0) - (before!.get(kind) ?? 0)
      assert.equal(booked, result.commands, `as many of kind ${kind} are booked as were answered`)
    }
    await checkBalances(owner)
  }
  return {
    perSecond: result.commands / ((result.elapsedMs + drainMs) / 1_000),
    latenciesMs: result.latenciesMs,
    requests: result.requests,
    drainMs,
    generatorUs: (result.cpuMs * 1_000) / result.requests,
    cpu,
  }
}
