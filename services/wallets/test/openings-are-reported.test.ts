import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import { openingOf } from '../src/accounts/open-account.ts'
import { processBatch } from '../src/ledger/process-batch.ts'
import { move } from './client-commands.ts'
import { ledgerDatabase, openWallets } from './ledger-fixture.ts'
import { newWallet, TENANT } from './test-wallet.ts'
import { clientWork } from './work.ts'

test('an account that is opened in a batch that is decided twice has its event', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const poor = newWallet()
  await openWallets(pool, [poor])
  const account = newWallet()
  const actor = { type: 'client', id: newId() } as const
  const opening = openingOf([account], { tenantId: TENANT, actor })
  // The refusal has the batch decided again, now with a lookup of its keys.
  const work = [
    { command: opening, origin: { traceparent: undefined } },
    clientWork(move('debit', poor, 5n)),
  ]
  const deps = { region: 'test', slot: 0, keysAreNew: true }
  const { outcomes } = await transaction(pool, (tx) => processBatch(deps, tx, work))
  assert.deepEqual(
    outcomes.map(({ outcome }) => outcome.type),
    ['opened', 'refused'],
  )
  const { rows } = await pool.query(
    `SELECT FROM outbox WHERE payload::json->>'event_type' = 'wallet.account.opened.committed'
       AND payload::json->>'account_id' = $1`,
    [account.accountId],
  )
  assert.equal(rows.length, 1)
})
