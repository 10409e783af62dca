import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import pg from 'pg'
import { processorMigrations } from '../src/migrations.ts'

const MIGRATION = new URL('../migrations/0004_claim_transaction_ids.sql', import.meta.url)

test('the migration claims the transaction ids of payments that earlier releases completed', async (t) => {
  const { ownerUrl } = await testDatabase(t, { sets: processorMigrations, name: 'claims' })
  const owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  try {
    await owner.query('DROP TABLE psp_transactions')
    const completed = async (response: object, psp: string | null, minute: number) => {
      const id = newId()
      await owner.query(
        `INSERT INTO payments (payment_id, tenant_id, account_id, user_id, wallet_transaction_id,
           amount_minor, currency, request_body, status, attempt_number, gateway_response, psp,
           finished_at)
         VALUES ($1, 'caudal', $1, $1, $1, 1000, 'USD', '', 'COMPLETED', 1, $2, $3,
           '2026-01-01T00:00:00Z'::timestamptz + $4 * interval '1 minute')`,
        [id, JSON.stringify(response), psp, minute],
      )
      return id
    }
    const of = (id: string) => ({ status: 'approved', gateway_transaction_id: id })
    await completed(of('t-1'), null, 2)
    const first = await completed(of('t-1'), null, 1)
    const other = await completed(of('t-1'), 'other', 3)
    await completed({ status: 'approved' }, null, 4)
    await completed(of('not visible'), null, 5)
    await owner.query(await readFile(MIGRATION, 'utf8'))
    const { rows } = await owner.query(
      `SELECT psp, gateway_transaction_id AS id, payment_id FROM psp_transactions ORDER BY psp`,
    )
    assert.deepEqual(rows, [
      { psp: 'main', id: 't-1', payment_id: first },
      { psp: 'other', id: 't-1', payment_id: other },
    ])
  } finally {
    await owner.end()
  }
})

test('a transaction id is 1 to 255 visible ASCII characters, of payments and of operations', async (t) => {
  const { pool } = await testDatabase(t, { sets: processorMigrations, name: 'ids' })
  const tables = [
    ['psp_transactions', 'payment_id'],
    ['operation_transactions', 'operation_id'],
  ] as const
  for (const [table, column] of tables) {
    const isStored = (id: string): Promise<boolean> =>
      pool
        .query(
          `INSERT INTO ${table} (psp, gateway_transaction_id, ${column}) VALUES ('main', $1, $2)`,
          [id, newId()],
        )
        .then(
          () => true,
          (error: unknown) => {
            assert.match(String(error), /id_is_visible/)
            return false
          },
        )
    const all = Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index)).join('')
    for (const id of ['!', all, '~'.repeat(255)]) assert.ok(await isStored(id), id)
    const others = [
      '',
      ' ',
      'a b',
      'a\n',
      '\na',
      'a\u007f',
      '\u0001',
      'ä',
      '\u00a0',
      'x'.repeat(256),
    ]
    for (const id of others) assert.ok(!(await isStored(id)), JSON.stringify(id))
  }
})
