import { join } from 'node:path'
import type { Db } from '@caudal/postgres/types.ts'
import { type Row, rowOf } from '../row.ts'
import { addHistory } from './fill-ledger.ts'
import { runLoad } from './load/run-load.ts'
import { type Measured, measure, type Target, type Workload } from './measure.ts'
import { startProcess } from './start-process.ts'

/** What rows are measured on, and what one leaves for another. */
export interface Stage {
  ledger: Target
  reference: Target
  owner: Db
  seconds: number
  historyEntries: number
  /** Debits over many accounts, which other rows compare themselves with. */
  spread: Measured | undefined
  close(): Promise<void>
}

const DEBITS: Workload = { shape: 'debit', connections: 256, hotShare: 0 }
const HOT: Workload = { ...DEBITS, hotShare: 0.9 }
const BATCHES: Workload = { shape: 'batch', connections: 16, hotShare: 0 }
const PAIRS: Workload = { shape: 'hold_commit', connections: 256, hotShare: 0 }
const IDLE_SECONDS = 2

/** The rows of the scenario, in the order in which they are measured (interfaces.md). */
export const LEDGER_ROWS = new Map<string, (stage: Stage) => Promise<Row>>([
  ['http_debits', httpDebits],
  ['batch', batch],
  ['hot_account', hotAccount],
  ['hold_commit', holdCommit],
  ['ten_million_entries', tenMillionEntries],
])

async function httpDebits(stage: Stage): Promise<Row> {
  const measured = await spreadOf(stage)
  const ownUs = await generatorCost(stage)
  return besideReference(stage, 'http_debits', DEBITS, measured, [
    `256 connections, ${stage.ledger.accountIds.length} accounts`,
    `load generator ${ownUs.toFixed(1)} µs of CPU a request against a server that does nothing`,
  ])
}

async function batch(stage: Stage): Promise<Row> {
  const measured = await measure(stage.ledger, BATCHES, stage.seconds)
  return besideReference(stage, 'batch', BATCHES, measured, [
    '16 connections, 100 commands a request; latencies are of requests',
  ])
}

async function hotAccount(stage: Stage): Promise<Row> {
  const spread = await spreadOf(stage)
  const measured = await measure(stage.ledger, HOT, stage.seconds)
  return besideReference(stage, 'hot_account', HOT, measured, [
    `one account gets 90 %: ${shareOf(measured, spread)} of spread load`,
  ])
}

async function holdCommit(stage: Stage): Promise<Row> {
  const measured = await measure(stage.ledger, PAIRS, stage.seconds)
  return besideReference(stage, 'hold_commit', PAIRS, measured, [
    'pairs of two requests, 256 connections; latencies are of pairs',
  ])
}

/** The reference keeps its small tables, which is to its advantage. */
async function tenMillionEntries(stage: Stage): Promise<Row> {
  const empty = await spreadOf(stage)
  const startedAt = performance.now()
  const { accountIds } = stage.ledger
  const transfers = stage.historyEntries / 2
  await addHistory(stage.owner, accountIds, { transfers, amountMinor: 1 })
  const filledSeconds = Math.round((performance.now() - startedAt) / 1_000)
  const measured = await measure(stage.ledger, DEBITS, stage.seconds)
  return besideReference(stage, 'ten_million_entries', DEBITS, measured, [
    `${stage.historyEntries} entries more, made in ${filledSeconds} s`,
    `${shareOf(measured, empty)} of the figure before`,
  ])
}

async function spreadOf(stage: Stage): Promise<Measured> {
  stage.spread ??= await measure(stage.ledger, DEBITS, stage.seconds)
  return stage.spread
}

function shareOf(measured: Measured, other: Measured): string {
  return (measured.perSecond / other.perSecond).toFixed(2)
}

async function besideReference(
  stage: Stage,
  name: string,
  workload: Workload,
  measured: Measured,
  notes: readonly string[],
): Promise<Row> {
  // Half the time is enough for a figure that only gives the scale.
  const reference = await measure(stage.reference, workload, stage.seconds / 2)
  const { perSecond, latenciesMs, requests, drainMs, generatorUs, cpu } = measured
  const told = [
    ...notes,
    `${requests} requests, drained in ${Math.round(drainMs)} ms`,
    `load generator ${generatorUs.toFixed(1)} µs of CPU a request`,
    `µs of CPU a command: ${cpu}`,
    `reference p99 ${reference.latenciesMs.p99} ms`,
  ]
  return {
    ...rowOf(name, perSecond, latenciesMs, told.join('; ')),
    reference_per_second: Math.round(reference.perSecond * 10) / 10,
    ratio: Math.round((perSecond / reference.perSecond) * 100) / 100,
  }
}

/** CPU time of the load generator by the request, in microseconds, when nothing else is done. */
async function generatorCost({ ledger, seconds }: Stage): Promise<number> {
  const idle = await startProcess(join(import.meta.dirname, 'load/idle-server.ts'))
  try {
    const { token, accountIds } = ledger
    const { cpuMs, requests } = await runLoad({
      ...DEBITS,
      url: idle.url,
      token,
      accountIds,
      seconds: Math.min(IDLE_SECONDS, seconds),
      label: 'idle',
      commandsPerBatch: 1,
    })
    return (cpuMs * 1_000) / requests
  } finally {
    await idle.stop()
  }
}
