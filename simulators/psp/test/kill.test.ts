import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { receiveCallbacks } from '@caudal/testing/callback-receiver.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { startKillable } from '@caudal/testing/start-killable.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { pspMigrations } from '../src/migrations.ts'
import { examplePayment } from './start-psp.ts'

test('P8: after a kill -9 every verdict that was answered is in the books and reported', async (t) => {
  const receiver = await receiveCallbacks(t)
  const { url: database, pool } = await testDatabase(t, { sets: pspMigrations, name: 'psp' })
  const start = () =>
    startKillable(t, new URL('../src/', import.meta.url), {
      CAUDAL_PSP_DATABASE_URL: database,
      CAUDAL_PSP_PORT: '0',
      CAUDAL_PSP_SIMULATOR_CALLBACK_URL: receiver.url,
      CAUDAL_PSP_SIMULATOR_CALLBACK_SECRETS: 'secret-number-one',
    })
  const bank = await start()
  const answered: string[] = []
  const post = async (path: string, id: string, body: Record<string, unknown>) => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': id }
    const sent = { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await fetch(`${bank.url}${path}`, sent)
    assert.equal(response.status, 200)
    return (await response.json()) as Record<string, unknown>
  }
  const client = async (): Promise<void> => {
    for (;;) {
      const [paymentId, refundId] = [randomUUID(), randomUUID()]
      const example = examplePayment(paymentId)
      const { gateway_transaction_id: charge } = await post('/v1/payments', paymentId, example)
      answered.push(paymentId)
      const { timestamp, currency } = example
      const ids = { refund_id: refundId, payment_id: paymentId, gateway_transaction_id: charge }
      await post('/v1/refunds', refundId, { ...ids, timestamp, amount: '1.00', currency })
      answered.push(refundId)
    }
  }
  const clients = Array.from({ length: 20 }, () => client().catch(() => undefined))
  await eventually(() => answered.length > 200)
  await bank.kill()
  await Promise.all(clients)
  await start()
  const reported = () =>
    new Set<string | undefined>(
      receiver.received.map(({ body }) => {
        const event = JSON.parse(body) as Record<string, string>
        return event['refund_id'] ?? event['payment_id']
      }),
    )
  const { rows } = await pool.query<{ id: string }>(
    `SELECT payment_id AS id FROM payments UNION ALL SELECT movement_id FROM movements`,
  )
  const booked = new Set(rows.map(({ id }) => id))
  assert.deepEqual(
    answered.filter((id) => !booked.has(id)),
    [],
  )
  await eventually(() => {
    const known = reported()
    return [...booked].every((id) => known.has(id))
  })
})
