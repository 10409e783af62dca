import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SLOW } from '@caudal/testing/slow.ts'
import { playMoney } from './play-money.ts'

/** Half of them pay at each bank. */
const USERS = Number(process.env['CAUDAL_TEST_USERS'] ?? 20)
const ORDERS = 20
/** Of few payments some faults may not come up. */
const ENOUGH = 400

test(
  'P12, P15: what moved at both PSPs is what the wallets have, whatever happens and dies',
  SLOW,
  async (t) => {
    const seed = Number(process.env['CAUDAL_TEST_SEED'] ?? Date.now() % 1_000_000)
    t.diagnostic(`CAUDAL_TEST_SEED=${seed}`)
    const { tally, violations, facts } = await playMoney(t, { seed, users: USERS, orders: ORDERS })
    for (const [what, count] of tally) t.diagnostic(`${count} × ${what}`)
    for (const [what, count] of Object.entries(facts)) t.diagnostic(`${count} × ${what}`)
    assert.deepEqual(violations, [])
    assert.equal(tally.get('payment 202'), USERS * ORDERS)
    if (USERS * ORDERS < ENOUGH) return
    const never = Object.entries(facts).filter(([, count]) => count === 0)
    assert.deepEqual(never, [], 'a fault that never occurred has proved nothing')
  },
)
