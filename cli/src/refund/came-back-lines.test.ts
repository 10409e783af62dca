import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cameBackLines } from './came-back-lines.ts'

const money = { payment_id: 'p', amount: '40.00', currency: 'USD', updated_at: '' }
const refund = { ...money, metadata: {}, version: 2 }

test('what came back is listed in order of time, with its reason', () => {
  const lines = cameBackLines({
    refunds: [
      {
        ...refund,
        refund_id: 'r2',
        status: 'FAILED',
        reason: 'duplicate',
        failure_reason: 'gateway_declined',
        created_at: '2026-03-01T10:02:00.000Z',
      },
      {
        ...refund,
        refund_id: 'r1',
        status: 'SUCCEEDED',
        reason: 'other',
        failure_reason: null,
        created_at: '2026-03-01T10:00:00.000Z',
      },
    ],
    returns: [
      {
        ...money,
        return_id: 'b1',
        status: 'CREDITED',
        reason: 'AC04',
        reason_code: 'account_closed',
        created_at: '2026-03-01T10:01:00.000Z',
      },
    ],
  })
  assert.deepEqual(lines, [
    '  refund r1  SUCCEEDED  40.00 USD  other',
    '  return b1  CREDITED   40.00 USD  AC04 (account_closed)',
    '  refund r2  FAILED     40.00 USD  duplicate, gateway_declined',
  ])
})
