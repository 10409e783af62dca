import { join } from 'node:path'
import type { Db } from '@caudal/postgres/types.ts'
import { type Row, createRow } from '../row.ts'
import { addHistory } from './fill-ledger.ts'
import { runLoad } from './load/run-load.ts'
import { type Measured, measure, type Target, type Workload } from './measure.ts'
import { startProcess } from './start-process.ts'

/** The systems that rows are measured on, and a result that rows share. */
export interface LedgerBench {
  ledger: Target
  reference: Target
  owner: Db
  seconds: number
  historyEntries: number
  /** Debits spread over many accounts, which other rows are compared with. */
  spread: Measured | undefined
  close(): Promise<void>
}

const DEBITS: Workload = { shape: 'debit', connections: 256, hotShare: 0 }
const HOT: Workload = { ...DEBITS, hotShare: 0.9 }
const BATCHES: Workload = { shape: 'batch', connections: 16, hotShare: 0 }
const PAIRS: Workload = { shape: 'hold_commit', connections: 256, hotShare: 0 }
const IDLE_SECONDS = 2

/** The rows of the benchmark, in the order in which they are measured. */
export const LEDGER_ROWS = new Map<string, (bench: LedgerBench) => Promise<Row>>([
  ['http_debits', httpDebits],
  ['batch', batch],
  ['hot_account', hotAccount],
  ['hold_commit', holdCommit],
  ['ten_million_entries', tenMillionEntries],
])

async function httpDebits(bench: LedgerBench): Promise<Row> {
  const measured = await spreadOf(bench)
  const ownUs = await generatorCost(bench)
  return besideReference(bench, 'http_debits', DEBITS, measured, [
    `256 connections, ${bench.ledger.accountIds.length} accounts`,
    `load generator ${ownUs.toFixed(1)} µs of CPU per request against an idle server`,
  ])
}

async function batch(bench: LedgerBench): Promise<Row> {
  const measured = await measure(bench.ledger, BATCHES, bench.seconds)
  return besideReference(bench, 'batch', BATCHES, measured, [
    '16 connections, 100 commands per request; latencies are of requests',
  ])
}

async function hotAccount(bench: LedgerBench): Promise<Row> {
  const spread = await spreadOf(bench)
  const measured = await measure(bench.ledger, HOT, bench.seconds)
  return besideReference(bench, 'hot_account', HOT, measured, [
    `one account gets 90 %: ${shareOf(measured, spread)} of the throughput with spread load`,
  ])
}

async function holdCommit(bench: LedgerBench): Promise<Row> {
  const measured = await measure(bench.ledger, PAIRS, bench.seconds)
  return besideReference(bench, 'hold_commit', PAIRS, measured, [
    'pairs of two requests, 256 connections; latencies are of pairs',
  ])
}

/** The reference keeps its small tables, which favours the reference. */
async function tenMillionEntries(bench: LedgerBench): Promise<Row> {
  const empty = await spreadOf(bench)
  const startedAt = performance.now()
  const { accountIds } = bench.ledger
  const transfers = bench.historyEntries / 2
  await addHistory(bench.owner, accountIds, { transfers, amountMinor: 1 })
  const filledSeconds = Math.round((performance.now() - startedAt) / 1_000)
  const measured = await measure(bench.ledger, DEBITS, bench.seconds)
  return besideReference(bench, 'ten_million_entries', DEBITS, measured, [
    `${bench.historyEntries} additional entries, inserted in ${filledSeconds} s`,
    `${shareOf(measured, empty)} of the throughput without them`,
  ])
}

async function spreadOf(bench: LedgerBench): Promise<Measured> {
  bench.spread ??= await measure(bench.ledger, DEBITS, bench.seconds)
  return bench.spread
}

function shareOf(measured: Measured, other: Measured): string {
  return (measured.perSecond / other.perSecond).toFixed(2)
}

async function besideReference(
  bench: LedgerBench,
  name: string,
  workload: Workload,
  measured: Measured,
  notes: readonly string[],
): Promise<Row> {
  // Half the time is enough, because the reference only gives the scale.
  const reference = await measure(bench.reference, workload, bench.seconds / 2)
  const { perSecond, latenciesMs, requests, drainMs, generatorUs, cpu } = measured
  const allNotes = [
    ...notes,
    `${requests} requests, drained in ${Math.round(drainMs)} ms`,
    `load generator ${generatorUs.toFixed(1)} µs of CPU per request`,
    `µs of CPU per command: ${cpu}`,
    `reference p99 ${reference.latenciesMs.p99} ms`,
  ]
  return {
    ...createRow(name, perSecond, latenciesMs, allNotes.join('; ')),
    reference_per_second: Math.round(reference.perSecond * 10) / 10,
    ratio: Math.round((perSecond / reference.perSecond) * 100) / 100,
  }
}

/** The load generator's CPU time per request in microseconds, against an idle server. */
async function generatorCost({ ledger, seconds }: LedgerBench): Promise<number> {
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
