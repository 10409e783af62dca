import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { findSystem, type System } from 'caudal/system/find-system.ts'
import { clientToken } from 'caudal/system/tokens.ts'
import { assertDurable } from '../payments/assert-durable.ts'
import { launch } from '../payments/launch.ts'
import type { BenchOptions, Row } from '../row.ts'
import { fillLedger } from './fill-ledger.ts'
import { LEDGER_ROWS, type Stage } from './ledger-rows.ts'
import { measure, type Target, type Workload } from './measure.ts'
import { startReference } from './reference/start-reference.ts'

const ACCOUNTS = 10_000
const HISTORY_ENTRIES = 10_000_000
const CONNECTIONS_OF_OWNER = 4
const WARM_UP_SECONDS = 4
const DEBITS: Workload = { shape: 'debit', connections: 256, hotShare: 0 }

/** Sizes that the test of the benchmark makes small. */
export interface LedgerSizes {
  accounts: number
  historyEntries: number
}

/**
 * The ledger as `caudal start wallets identity` runs it, with PostgreSQL, its relay and the load
 * generator on the same cores, each figure beside a reference that books row by row. Each row has a
 * system of its own, so that no figure depends on what was measured before it.
 */
export async function benchLedger(
  options: BenchOptions,
  sizes: LedgerSizes = { accounts: ACCOUNTS, historyEntries: HISTORY_ENTRIES },
): Promise<Row[]> {
  const wanted = [...LEDGER_ROWS].filter(
    ([name]) => options.rows.length === 0 || options.rows.includes(name),
  )
  const rows: Row[] = []
  let spread: Stage['spread']
  for (const [, measureRow] of wanted) {
    await onNewLedger(options, sizes, async (stage) => {
      stage.spread = spread
      rows.push(await measureRow(stage))
      spread = stage.spread
    })
  }
  return rows
}

async function onNewLedger(
  options: BenchOptions,
  sizes: LedgerSizes,
  work: (stage: Stage) => Promise<void>,
): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'caudal-bench-'))
  const launched = await launch(dataDir, options.profile, ['wallets', 'identity'])
  try {
    const system = await findSystem({ dataDir, url: undefined })
    const owner = createPool({
      url: system.databaseUrl('caudal_wallets'),
      applicationName: 'bench',
      max: CONNECTIONS_OF_OWNER,
    })
    try {
      await assertDurable(owner)
      const stage = await openStage(system, owner, options, sizes)
      await work(stage)
      await stage.close()
    } finally {
      await owner.end()
    }
  } finally {
    await launched.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function openStage(
  system: System,
  owner: Db,
  options: BenchOptions,
  sizes: LedgerSizes,
): Promise<Stage> {
  const { token } = await clientToken(system, 'ledger:write')
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
