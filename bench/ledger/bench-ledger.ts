import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { findSystem, type System } from 'caudal/system/find-system.ts'
import { clientToken } from 'caudal/system/tokens.ts'
import { assertDurable } from '../payments/assert-durable.ts'
import { launch } from '../payments/launch.ts'
import type { BenchOptions, Row } from '../row.ts'
import { fillLedger } from './fill-ledger.ts'
import { LEDGER_ROWS, type LedgerBench } from './ledger-rows.ts'
import { measure, type Target, type Workload } from './measure.ts'
import { startReference } from './reference/start-reference.ts'

const ACCOUNTS = 10_000
const HISTORY_ENTRIES = 10_000_000
const OWNER_CONNECTIONS = 4
const WARM_UP_SECONDS = 4
const DEBITS: Workload = { shape: 'debit', connections: 256, hotShare: 0 }

/** Sizes, which the benchmark's test reduces. */
export interface LedgerSizes {
  accounts: number
  historyEntries: number
}

/**
 * Measures the ledger as `caudal start wallets identity --embedded` runs it, with PostgreSQL, the
 * relay and the load generator on the same cores. Each figure is compared with a reference that
 * posts row by row. Each row uses a new system, so that no figure depends on earlier measurements.
 */
export async function benchLedger(
  options: BenchOptions,
  sizes: LedgerSizes = { accounts: ACCOUNTS, historyEntries: HISTORY_ENTRIES },
): Promise<Row[]> {
  const wanted = [...LEDGER_ROWS].filter(
    ([name]) => options.rows.length === 0 || options.rows.includes(name),
  )
  const rows: Row[] = []
  let spread: LedgerBench['spread']
  for (const [, measureRow] of wanted) {
    await onNewLedger(options, sizes, async (bench) => {
      bench.spread = spread
      rows.push(await measureRow(bench))
      spread = bench.spread
    })
  }
  return rows
}

async function onNewLedger(
  options: BenchOptions,
  sizes: LedgerSizes,
  work: (bench: LedgerBench) => Promise<void>,
): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'caudal-bench-'))
  const launched = await launch(dataDir, options.profile, ['wallets', 'identity'])
  try {
    const system = await findSystem({ dataDir, url: undefined })
    const owner = createPool({
      url: system.databaseUrl('caudal_wallets'),
      applicationName: 'bench',
      max: OWNER_CONNECTIONS,
    })
    try {
      await assertDurable(owner)
      const bench = await openBench(system, owner, options, sizes)
      await work(bench)
      await bench.close()
    } finally {
      await owner.end()
    }
  } finally {
    await launched.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function openBench(
  system: System,
  owner: Db,
  options: BenchOptions,
  sizes: LedgerSizes,
): Promise<LedgerBench> {
  const { token } = await clientToken(system, SCOPE.ledgerWrite)
  const accountIds = await fillLedger(owner, sizes.accounts)
  const ledger: Target = { url: system.serviceUrl('wallets'), token, accountIds, owner }
  const running = await startReference(system, token, accountIds)
  const reference: Target = { url: running.url, token, accountIds, owner: null }
  const warmUpSeconds = Math.min(WARM_UP_SECONDS, options.seconds)
  await measure(ledger, DEBITS, warmUpSeconds)
  await measure(reference, DEBITS, warmUpSeconds / 2)
  return {
    ledger,
    reference,
    owner,
    seconds: options.seconds,
    historyEntries: sizes.historyEntries,
    spread: undefined,
    close: () => running.stop(),
  }
}
