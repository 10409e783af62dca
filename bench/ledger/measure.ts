import assert from 'node:assert/strict'
import type { Db } from '@caudal/postgres/types.ts'
import type { Percentiles } from 'caudal/traffic/percentiles.ts'
import { explainCpu, readCpuTimes } from './cpu-times.ts'
import { checkBalances, countPostedTransfers, waitUntilDrained } from './ledger-checks.ts'
import type { LoadPlan } from './load/load-plan.ts'
import { runLoad } from './load/run-load.ts'

/** The kind of load. */
export type Workload = Pick<LoadPlan, 'shape' | 'connections' | 'hotShare'>

/** The system under test: the ledger or the reference. */
export interface Target {
  url: string
  token: string
  accountIds: readonly string[]
  /** A pool of the role that owns the ledger's tables; null for the reference. */
  owner: Db | null
}

/** The figures of one measurement. */
export interface Measured {
  /** Commands or pairs per second, until the last one was answered and published. */
  perSecond: number
  latenciesMs: Percentiles
  requests: number
  drainMs: number
  /** The load generator's CPU time per request. */
  generatorUs: number
  /** CPU time by process, in microseconds per command. */
  cpu: string
}

const COMMANDS_PER_BATCH = 100
let runs = 0

/**
 * Measures a workload. The clock stops when the relay has published everything. Then asserts that
 * balances equal entries, and that as many transfers were posted as commands succeeded.
 */
export async function measure(
  { url, token, accountIds, owner }: Target,
  workload: Workload,
  seconds: number,
): Promise<Measured> {
  const before = owner && (await countPostedTransfers(owner))
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
  if (owner) await waitUntilDrained(owner)
  const drainMs = performance.now() - answeredAt
  const cpu = explainCpu(cpuBefore, await readCpuTimes(), result.commands)
  if (owner) {
    const after = await countPostedTransfers(owner)
    const kinds = workload.shape === 'hold_commit' ? ['hold', 'commit'] : ['debit']
    for (const kind of kinds) {
      const posted = (after.get(kind) ?? 0) - (before!.get(kind) ?? 0)
      assert.equal(
        posted,
        result.commands,
        `posted transfers of kind ${kind} must equal successful commands`,
      )
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
