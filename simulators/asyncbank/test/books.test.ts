import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newRef, orderBack, startAsyncbank, uuid } from './start-asyncbank.ts'

type Json = Record<string, unknown>

test('charges are listed by payment after an id, with totals that change with any of them', async (t) => {
  const bank = await startAsyncbank(t)
  const refs = [newRef(), newRef(), newRef()].toSorted()
  for (const ref of refs.toReversed()) await bank.settledPayment(ref)
  const ids = ({ json }: { json: Json }) =>
    (json['data'] as Json[]).map((item) => item['payment_id'])
  const [first, second, third] = refs.map(uuid)
  const page = await bank.admin('GET', 'charges?limit=2')
  assert.deepEqual(ids(page), [first, second])
  const cursor = String(page.json['next_cursor'])
  assert.deepEqual(ids(await bank.admin('GET', `charges?limit=2&cursor=${cursor}`)), [third])
  assert.deepEqual(ids(await bank.admin('GET', `charges?after=${first}`)), [second, third])

  const totals = async () => (await bank.admin('GET', `charge-totals?to=${second}`)).json
  const before = await totals()
  assert.deepEqual([before['rows'], before['minor']], ['2', '20100'])
  await bank.db.query(`UPDATE transfers SET currency = 'EUR' WHERE ref = $1`, [first])
  const after = await totals()
  assert.equal(after['minor'], before['minor'])
  assert.notEqual(after['hash'], before['hash'])
})

test('all money that came back is in one list by payment, page by page, with the bank’s ids', async (t) => {
  const bank = await startAsyncbank(t)
  const expected: string[] = []
  for (const ref of [newRef(), newRef()].toSorted()) {
    const chargeId = await bank.settledPayment(ref)
    const order = orderBack('refund', chargeId, '1000')
    const { fields } = await bank.order(order)
    await bank.ended(fields['id']!)
    const returned = { payment_id: uuid(ref), amount: '1.00', reason: 'AC04' }
    const { json } = await bank.admin('POST', 'returns', returned)
    const refundId = uuid(order['ref']!)
    expected.push(
      `refund ${refundId} ${fields['id']} of ${chargeId} of ${uuid(ref)}`,
      `return ${String(json['return_id'])}`,
    )
  }
  const found: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const more = cursor === '' ? '' : `&cursor=${cursor}`
    const { json } = await bank.admin('GET', `returned-money?limit=1${more}`)
    const [item] = json['data'] as Record<string, string>[]
    const { kind, movement_id: id, payment_id: paymentId, gateway_id: gatewayId } = item!
    const charge = `${gatewayId} of ${item!['charge_id']} of ${paymentId}`
    found.push(kind === 'refund' ? `refund ${id} ${charge}` : `${kind} ${id}`)
    cursor = json['next_cursor'] as string | null
  }
  assert.deepEqual(found, expected)
})
