import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import type { ClientPolicy } from '../src/ledger/domain/policy.ts'
import { close, move, type TestPosting, transfer } from './client-commands.ts'
import { ledgerDatabase, openWallets, processWork, runCommands } from './ledger-fixture.ts'
import { newWallet } from './test-wallet.ts'
import { clientWork } from './work.ts'

interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Index Cond'?: string
  'TID Cond'?: string
  Plans?: PlanNode[]
}

const SCANS_BY_KEY = new Set(['Index Scan', 'Index Only Scan', 'Bitmap Index Scan', 'Tid Scan'])
const JOIN_AS_A_SET = `UPDATE holds h SET status = c.status
  FROM unnest($1::uuid[], $2::text[]) AS c(hold_key, status) WHERE h.hold_key = c.hold_key`

const STATEMENTS = [
  'lock-originals',
  'lock-spending',
  'lock-ledger',
  'load-keys',
  'load-originals',
  'save-decision',
  'save-spending',
  'add-to-outbox',
]
/** A client whose day is limited. */
const POLICY: ClientPolicy = {
  version: 'v1',
  accountKinds: null,
  currencies: new Map([['USD', { perTransferMinor: null, perDayMinor: 1_000_000n }]]),
}

test('cached plans find each row by its key, also those made for empty tables', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const statements = await statementsOfABatch(pool)
  const { ownerUrl, url } = await ledgerDatabase(t)
  const byKey = createPool({ url, applicationName: 'by-key', plans: 'by_key', max: 1 })
  t.after(() => byKey.end())
  const owner = createPool({ url: ownerUrl, applicationName: 'owner', max: 1 })
  // The worst case: PostgreSQL knows that the tables are empty.
  await owner.query('VACUUM (ANALYZE)')
  await owner.end()
  assert.notDeepEqual(await scansWithoutKey(byKey, JOIN_AS_A_SET), [], 'the worst case is there')
  for (const name of STATEMENTS) {
    const text = statements.get(name)
    assert.ok(text, `${name} is part of a large batch`)
    assert.deepEqual(await scansWithoutKey(byKey, text), [], name)
  }
})

/** The texts of what a large batch asks, by name. */
async function statementsOfABatch(db: Db): Promise<Map<string, string>> {
  const statements = new Map<string, string>()
  const wallet = newWallet()
  await openWallets(db, [wallet])
  const sale = transfer([
    [wallet, -5n],
    [['fees', 'USD'], 5n],
  ])
  await runCommands(db, move('credit', wallet, 1_000n), sale)
  const { outcomes } = await runCommands(db, move('hold', wallet, 1n))
  const held = outcomes[0]!
  assert(held.type === 'posted' && 'transfer' in held)
  const credits = Array.from({ length: 100 }, () => {
    return { ...move('credit', wallet, 1n), policy: POLICY }
  })
  const back: TestPosting[] = [
    [wallet, 5n],
    [['fees', 'USD'], -5n],
  ]
  const correction = transfer(back, { corrects: sale.transferId })
  const commands = [close('commit', wallet, held.transfer.transferId), correction, ...credits]
  await transaction(db, async (tx) => {
    const reading = (first: { name: string; text: string }, ...rest: unknown[]): unknown => {
      statements.set(first.name, first.text)
      return (tx.query as (...args: unknown[]) => unknown)(first, ...rest)
    }
    const reader = { query: reading } as unknown as Tx
    await processWork(
      reader,
      commands.map((command) => clientWork(command)),
    )
  })
  return statements
}

/** What a kept plan of the statement reads otherwise than by a key. */
async function scansWithoutKey(db: Db, text: string): Promise<string[]> {
  const { rows } = await db.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${text}`,
  )
  return nodesOf(rows[0]!['QUERY PLAN'][0].Plan)
    .filter((node) => node['Node Type'].endsWith('Scan') && node['Relation Name'] !== undefined)
    .filter((node) => !isByKey(node))
    .map((node) => `${node['Node Type']} of ${node['Relation Name']}`)
}

function isByKey(node: PlanNode): boolean {
  if (node['Node Type'] === 'Bitmap Heap Scan') return node.Plans?.every(isByKey) === true
  const condition = node['Index Cond'] ?? node['TID Cond']
  return SCANS_BY_KEY.has(node['Node Type']) && condition !== undefined
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}
