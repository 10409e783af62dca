import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SLOW } from '@caudal/testing/slow.ts'
import { connectAsAdmin } from '../support/database-server.ts'
import { type Edit, makeEditedCopy } from '../support/edited-copy.ts'
import type { Service } from '../support/processes/plan-processes.ts'
import { seedOf } from './assert-money-kept.ts'
import { violationsInTables } from './check-money.ts'
import type { Phase } from './disturb.ts'
import { LOST_ANSWERS, playMoney } from './play-money.ts'
import { playedProcesses } from './played-system.ts'

/** A mistake that the random play must find, as edits of the sources of one service. */
type Mistake = {
  title: string
  service: Service
  edits: readonly Edit[]
  /** What the play finds. */
  finds: RegExp
  /** What the banks do that reveals it, in turns. */
  phases: readonly Phase[]
  /** No bank sends a callback, which would reveal late what was believed too early. */
  withoutCallbacks?: true
  /** More processes of the service than one, between which nothing but the database orders. */
  replicas?: number
}

const PLAY = { users: 8, orders: 4, crashEvery: 50 }
/** Answers that are lost, first all of them, and of which a status query finds nothing. */
const LOSSES: readonly Phase[] = [
  { behaviour: { default: 'apply_then_reset', by_operation: { query: 'forget_keys' } } },
  LOST_ANSWERS,
]
/** Callbacks that contradict the books of their bank, sooner than a status query can. */
const LIES: readonly Phase[] = [
  'contradict',
  'callback_wrong_amount',
  'contradict',
  'random_callbacks:0.9',
].map((pay) => ({ behaviour: { by_operation: { pay }, settle_ms: 20 } }))
/** A payment of 10.00 that was charged, though its funds were released. */
const CHARGED = /: 1000 at the PSP, 0 in the ledger/
const CHARGED_AGAIN = /: (?!1000 )\d{4,} at the PSP, 1000 in the ledger/
const DOMAIN = 'services/processor/src/domain'
const NO_CALLBACKS = {
  CAUDAL_PSP_SIMULATOR_CALLBACK_URL: '',
  CAUDAL_ASYNCBANK_SIMULATOR_CALLBACK_URL: '',
}

const MISTAKES: readonly Mistake[] = [
  {
    title: 'funds that are released on a timeout are found by the books of the banks',
    service: 'processor',
    edits: [
      {
        file: `${DOMAIN}/decide-outcome.ts`,
        find: 'return doubt({ ...operation, mayHaveLeft: true, unproven: true }, context)',
        replace: `return fail({ ...operation, unproven: false }, 'gateway_unreachable', {
        status: 'failed',
      })`,
      },
    ],
    finds: CHARGED,
    phases: LOSSES,
    withoutCallbacks: true,
  },
  {
    title: 'a refund that is checked outside the lock of its payment is found by the sums',
    service: 'payments',
    edits: [
      {
        file: 'services/payments/src/requests/refunds/process-refund-requests.ts',
        find: 'const counts = await countRefunds(tx, paymentIds)',
        replace: `await tx.query('COMMIT; SELECT pg_sleep(0.2); BEGIN')
  const counts = await countRefunds(tx, paymentIds)`,
      },
    ],
    finds: /accepted beyond what was captured/,
    phases: [{ behaviour: {} }],
    replicas: 3,
  },
  {
    title: 'a callback that is believed whatever the state is found by the books of the banks',
    service: 'processor',
    edits: [
      {
        file: `${DOMAIN}/decide-callback.ts`,
        find: `capabilities.callbackTrust === 'verdict' && (state`,
        replace: `capabilities !== null && (state`,
      },
      {
        file: `${DOMAIN}/decide-callback.ts`,
        find: 'if (isOver(operation)) return decideLate(operation, outcome)',
        replace: `if (isOver(operation)) operation = { ...operation, status: 'PENDING' }`,
      },
    ],
    finds: CHARGED,
    phases: LIES,
  },
  {
    title: 'an idempotency key that is new on each retry is found by the books of the banks',
    service: 'processor',
    edits: [
      {
        file: 'services/processor/src/psp/asyncbank-adapter.ts',
        find: `'x-request-key': hexOf(operationId)`,
        replace: `'x-request-key': hexOf(crypto.randomUUID())`,
      },
    ],
    finds: CHARGED_AGAIN,
    phases: LOSSES,
    withoutCallbacks: true,
  },
  {
    title: 'not_found that is believed of a request in flight is found by the books of the banks',
    service: 'processor',
    edits: [
      {
        file: `${DOMAIN}/decide-status.ts`,
        find: `if (!operation.unproven) {
        return fail(operation,`,
        replace: `if (operation !== null) {
        return fail({ ...operation, unproven: false },`,
      },
    ],
    finds: CHARGED,
    phases: LOSSES,
    withoutCallbacks: true,
  },
]

/** Damage to the tables of a quiet system, and the check that must find it. */
const DAMAGES: readonly { database: string; damage: string; finds: RegExp }[] = [
  {
    database: 'payments',
    damage: `UPDATE refunds SET amount_minor = 1001 WHERE refund_id = (
      SELECT refund_id FROM refunds WHERE status = 'SUCCEEDED' LIMIT 1)`,
    finds: /^\d+ payments returned more than was captured$/,
  },
  {
    database: 'payments',
    damage: `UPDATE refunds SET amount_minor = 1002 WHERE refund_id = (
      SELECT refund_id FROM refunds WHERE status = 'SUCCEEDED' AND origin = 'client' LIMIT 1)`,
    finds: /^\d+ refunds were accepted beyond what was captured$/,
  },
  {
    database: 'wallets',
    damage: `UPDATE holds SET status = 'open', remaining_minor = 1 WHERE hold_id = (
      SELECT hold_id FROM holds WHERE status = 'committed' LIMIT 1)`,
    finds: /^1 holds are open without a reason$/,
  },
  {
    database: 'payments',
    damage: `DELETE FROM cases WHERE case_id = (
      SELECT case_id FROM cases WHERE reason = 'failure_after_success' LIMIT 1)`,
    finds: /^a callback of \w+ contradicts .+ \(failure_after_success\), and there is no case$/,
  },
  {
    database: 'payments',
    damage: `UPDATE cases SET reason = 'operation_unknown' WHERE case_id = (
      SELECT case_id FROM cases WHERE reason = 'amount_mismatch' LIMIT 1)`,
    finds: /^no case that \w+ reported another amount of /,
  },
]

test(
  'without a mistake nothing is found, but for damage that is done afterwards',
  SLOW,
  async (t) => {
    const system = await playedProcesses(t)
    const play = { ...PLAY, seed: seedOf(t), phases: LIES }
    const { violations } = await playMoney(system, play)
    assert.deepEqual(violations, [])
    for (const { database, damage, finds } of DAMAGES) {
      await damageOnce(system.dataDir, database, damage)
      const found = await violationsInTables(system.dataDir)
      assert.ok(
        found.some((one) => finds.test(one)),
        `${damage}\n${found.join('\n')}`,
      )
    }
  },
)

/** Does what no role of a service may do. */
async function damageOnce(dataDir: string, database: string, damage: string): Promise<void> {
  const admin = await connectAsAdmin(dataDir, `caudal_${database}`)
  try {
    await admin.query('SET session_replication_role = replica')
    const { rowCount } = await admin.query(damage)
    assert.equal(rowCount, 1, damage)
  } finally {
    await admin.end()
  }
}

test('without a mistake nothing is found, though no bank sends a callback', SLOW, async (t) => {
  const play = { ...PLAY, seed: seedOf(t), phases: LOSSES, withoutCallbacks: true }
  const { violations } = await playMoney(await playedProcesses(t, { env: NO_CALLBACKS }), play)
  assert.deepEqual(violations, [])
})

for (const mistake of MISTAKES) {
  test(mistake.title, SLOW, async (t) => {
    const { service, edits, finds, phases, withoutCallbacks = false, replicas = 1 } = mistake
    const system = await playedProcesses(t, {
      roots: { [service]: await makeEditedCopy(t, edits) },
      replicas: { [service]: replicas },
      env: withoutCallbacks ? NO_CALLBACKS : {},
    })
    const { violations } = await playMoney(system, {
      ...PLAY,
      seed: seedOf(t),
      phases,
      withoutCallbacks,
    })
    const found = violations.filter((violation) => finds.test(violation))
    for (const violation of found.slice(0, 5)) t.diagnostic(violation)
    assert.ok(found.length > 0, `not found among:\n${violations.join('\n')}`)
  })
}
