import assert from 'node:assert/strict'
import { test } from 'node:test'
import { innerPathOf } from './inner-path.ts'

const ID = '0190B2A4-0000-7000-8000-000000000001'

test('the inner path has the parameters and the query of the request, unchanged', () => {
  const innerPath = '/v1/payments/:payment_id/refunds/:refund_id'
  const route = { innerPath, schema: { querystring: {} } }
  const request = { url: '/x?limit=2&cursor=%20', params: { payment_id: ID, refund_id: ID } }
  const path = `/v1/payments/${ID}/refunds/${ID}?limit=2&cursor=%20`
  assert.equal(innerPathOf(route)(request), path)
  const withoutQuery = innerPathOf({ innerPath: '/v1/wallet', schema: {} })
  assert.equal(withoutQuery({ url: '/api/v1/wallet?a=1', params: {} }), '/v1/wallet')
})

test('a parameter that is no UUID makes no inner path', () => {
  const compose = innerPathOf({ innerPath: '/v1/payments/:payment_id', schema: {} })
  for (const id of ['', '..', '../wallet', `${ID}/..`, `${ID}?a=1`, 'x']) {
    assert.equal(compose({ url: '/', params: { payment_id: id } }), undefined, id)
  }
})
