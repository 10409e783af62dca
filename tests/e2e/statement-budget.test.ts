import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { dataDirectory, launchSystem, type LaunchedSystem } from '../support/launch-system.ts'
import {
  beyondIdle,
  type StatementCounter,
  openStatementCounter,
  type StatementCount,
  totalCalls,
} from '../support/statement-counts.ts'
import {
  allWithStatus,
  countCharges,
  countMessages,
  postPayment,
  seed,
  type SeededUser,
  violationsOf,
} from '../support/user-client.ts'

const USERS = 100
const ORDERS = 10
const PAYMENTS = USERS * ORDERS
const IDLE_SECONDS = 4
const SETTLE_MS = 1_000
const SHOWN = 12
/**
 * On a busy machine and with cold code, calls time out and payments take more statements. The best
 * of a few rounds shows what payments cost.
 */
const ROUNDS_AT_MOST = 3

type Measured = { statements: StatementCount[]; acceptedMs: number; finalMs: number }

test('a thousand concurrent payments cost less than a thousand statements', SLOW, async (t) => {
  const dataDir = await dataDirectory(t)
  const system = await launchSystem(t, { dataDir })
  const counter = await openStatementCounter(dataDir)
  const allUsers: SeededUser[] = []
  let best = Number.POSITIVE_INFINITY
  for (let round = 1; round <= ROUNDS_AT_MOST && best >= PAYMENTS; round += 1) {
    const users = await seed(dataDir, { users: USERS, orders: ORDERS, balance: '1000.00' })
    allUsers.push(...users)
    assert.deepEqual(await violationsOf(dataDir), [])
    const idle = await measureIdle(counter)
    const { statements, acceptedMs, finalMs } = await measure(system, counter, users, idle)
    const total = totalCalls(statements)
    best = Math.min(best, total)
    const [accepted, notified] = [acceptedMs.toFixed(0), finalMs.toFixed(0)]
    t.diagnostic(`accepted within ${accepted} ms, notified within ${notified} ms`)
    t.diagnostic(`${total} statements for ${PAYMENTS} payments; the most frequent:`)
    for (const line of mostFrequent(statements)) t.diagnostic(line)
  }
  await counter.close()
  assert.ok(best < PAYMENTS, `${best} statements for ${PAYMENTS} payments`)

  assert.equal((await countCharges(system.psp_url)).size, allUsers.length * ORDERS)
  for (const user of allUsers) await allWithStatus(system.gateway_url, user, ['COMPLETED'])
  assert.deepEqual(await violationsOf(dataDir), [])
  assert.equal(await system.stop(), 0)
})

type Idle = { statements: StatementCount[]; seconds: number }

/** Counts the polls of an idle system for a fixed time. */
async function measureIdle(counter: StatementCounter): Promise<Idle> {
  await counter.reset()
  await delay(IDLE_SECONDS * 1_000)
  return { statements: await counter.read(), seconds: IDLE_SECONDS }
}

async function measure(
  system: LaunchedSystem,
  counter: StatementCounter,
  users: readonly SeededUser[],
  idle: Idle,
): Promise<Measured> {
  const messagesBefore = (await countMessages(system.push_url)).size
  await counter.reset()
  const startedAt = performance.now()
  const answers = await Promise.all(
    users.flatMap((user) =>
      user.orders.map((order) => postPayment(system.gateway_url, user, order.external_order_id)),
    ),
  )
  const acceptedMs = performance.now() - startedAt
  assert.ok(answers.every(({ status }) => status === 202))
  // Asks the push simulator, whose statements are not counted.
  const isOver = async () =>
    (await countMessages(system.push_url)).size === messagesBefore + PAYMENTS
  await eventually(isOver, { timeoutMs: 90_000, label: 'a thousand notifications were sent' })
  const finalMs = performance.now() - startedAt
  await delay(SETTLE_MS)
  const seconds = (performance.now() - startedAt) / 1_000
  const counted = { statements: await counter.read(), seconds }
  return { statements: beyondIdle(counted, idle), acceptedMs, finalMs }
}

function mostFrequent(statements: readonly StatementCount[]): string[] {
  return statements
    .filter(({ calls }) => calls > 0)
    .toSorted((a, b) => b.calls - a.calls)
    .slice(0, SHOWN)
    .map(({ database, text, calls }) => {
      const line = text.replaceAll(/\s+/g, ' ').slice(0, 90)
      return `${String(calls).padStart(6)}  ${database.padEnd(21)} ${line}`
    })
}
