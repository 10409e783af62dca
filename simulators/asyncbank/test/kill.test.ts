import assert from 'node:assert/strict'
import { test } from 'node:test'
import { receiveCallbacks } from '@caudal/testing/callback-receiver.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { startKillable } from '@caudal/testing/start-killable.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { asyncbankMigrations } from '../src/migrations.ts'
import { examplePayment, newRef, uuid } from './start-asyncbank.ts'

test('P8: after a kill -9 every transfer that was accepted ends and is reported', async (t) => {
  const receiver = await receiveCallbacks(t)
  const sets = asyncbankMigrations
  const { url: database, pool } = await testDatabase(t, { sets, name: 'asyncbank' })
  const start = () =>
    startKillable(t, new URL('../src/', import.meta.url), {
      CAUDAL_ASYNCBANK_DATABASE_URL: database,
      CAUDAL_ASYNCBANK_PORT: '0',
      CAUDAL_ASYNCBANK_SIMULATOR_API_KEY: 'a-test-key',
      CAUDAL_ASYNCBANK_SIMULATOR_CALLBACK_URL: receiver.url,
      CAUDAL_ASYNCBANK_SIMULATOR_CALLBACK_KEY: Buffer.alloc(32, 7).toString('base64'),
    })
  const bank = await start()
  const accepted: string[] = []
  const client = async (): Promise<void> => {
    for (;;) {
      const ref = newRef()
      const headers = { 'x-api-key': 'a-test-key', 'x-request-key': ref }
      const body = new URLSearchParams(examplePayment(ref))
      const { status } = await fetch(`${bank.url}/api/transfers`, { method: 'POST', headers, body })
      assert.equal(status, 202)
      accepted.push(ref)
    }
  }
  const clients = Array.from({ length: 20 }, () => client().catch(() => undefined))
  // Some are settled and reported, others wait for their time.
  await eventually(() => accepted.length > 200 && receiver.received.length > 0)
  await bank.kill()
  await Promise.all(clients)
  await start()
  await eventually(() => {
    const reported = new Set(receiver.received.flatMap(({ body }) => refsOf(body)))
    return accepted.every((ref) => reported.has(ref))
  })
  const { rows } = await pool.query<{ settled: number }>(
    `SELECT count(*)::integer AS settled FROM transfers
     WHERE state = 'settled' AND ref = ANY ($1::uuid[])`,
    [accepted.map(uuid)],
  )
  assert.equal(rows[0]?.settled, accepted.length)
})

function refsOf(body: string): string[] {
  return (JSON.parse(body) as { items: { ref: string }[] }).items.map(({ ref }) => ref)
}
