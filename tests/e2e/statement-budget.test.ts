import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '@caudal/testing/eventually.ts'
import { dataDirectory, launchSystem } from '../support/launch-system.ts'
import {
  beyondIdle,
  openStatementCounter,
  type Statement,
  totalOf,
} from '../support/statement-counts.ts'
import {
  allWithStatus,
  countCharges,
  countMessages,
  postPayment,
  seed,
  violationsOf,
} from '../support/user-client.ts'

/** For a slow machine. */
const SLOW = { timeout: 300_000 }
const USERS = 100
const ORDERS = 10
const PAYMENTS = USERS * ORDERS
const IDLE_SECONDS = 4
const SETTLE_MS = 1_000
const SHOWN = 12

test('a thousand payments at once cost less than a thousand statements', SLOW, async (t) => {
  const dataDir = await dataDirectory(t)
  const system = await launchSystem(t, { dataDir })
  const users = await seed(dataDir, { users: USERS, orders: ORDERS, balance: '1000.00' })
  const counter = await openStatementCounter(dataDir)

  // The polls of an idle system, by themselves: what is waited for here is time itself.
  await violationsOf(dataDir)
  await counter.reset()
  await delay(IDLE_SECONDS * 1_000)
  const idle = { statements: await counter.read(), seconds: IDLE_SECONDS }

  await counter.reset()
  const startedAt = performance.now()
  const answers = await Promise.all(
    users.flatMap((user) =>
      user.orders.map((order) => postPayment(system.gateway_url, user, order.external_order_id)),
    ),
  )
  const acceptedMs = performance.now() - startedAt
  assert.ok(answers.every(({ status }) => status === 202))
  // The simulators' books say when it is over without a statement that would be counted.
  await eventually(async () => (await countMessages(system.push_url)).size >= PAYMENTS, {
    timeoutMs: 90_000,
    label: 'a thousand notices have gone out',
  })
  const finalMs = performance.now() - startedAt
  await delay(SETTLE_MS)
  const seconds = (performance.now() - startedAt) / 1_000
  const statements = beyondIdle({ statements: await counter.read(), seconds }, idle)
  await counter.close()
  const total = totalOf(statements)

  t.diagnostic(`accepted within ${acceptedMs.toFixed(0)} ms, notified within ${finalMs.toFixed(0)}`)
  t.diagnostic(`idle: ${(totalOf(idle.statements) / idle.seconds).toFixed(1)} statements a second`)
  t.diagnostic(`${total} statements for ${PAYMENTS} payments; the most frequent:`)
  for (const line of mostFrequent(statements)) t.diagnostic(line)
  assert.ok(total < PAYMENTS, `${total} statements for ${PAYMENTS} payments`)

  assert.equal((await countCharges(system.psp_url)).size, PAYMENTS)
  for (const user of users) await allWithStatus(system.gateway_url, user, ['COMPLETED'])
  assert.deepEqual(await violationsOf(dataDir), [])
  assert.equal(await system.stop(), 0)
})

function mostFrequent(statements: readonly Statement[]): string[] {
  return statements
    .filter(({ calls }) => calls > 0)
    .toSorted((a, b) => b.calls - a.calls)
    .slice(0, SHOWN)
    .map(({ database, text, calls }) => {
      const line = text.replaceAll(/\s+/g, ' ').slice(0, 90)
      return `${String(calls).padStart(6)}  ${database.padEnd(21)} ${line}`
    })
}
