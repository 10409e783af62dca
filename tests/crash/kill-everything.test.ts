import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { connectAsAdmin, databasePid, killDatabase } from '../support/database-server.ts'
import {
  dataDirectory,
  killWhileStarting,
  launchSystem,
  type LaunchedSystem,
} from '../support/launch-system.ts'
import {
  allWithStatus,
  type UserResponse,
  countCharges,
  postPayment,
  seed,
  type SeededUser,
  setBehaviour,
  violationsOf,
} from '../support/user-client.ts'

/** `process`: only the process is killed; its database server keeps running. `machine`: both. */
const ROUNDS = ['process', 'machine', 'process', 'machine'] as const
const USERS = 12
// So many that no machine has responded to all of them before the kill.
const ORDERS = 60
const SENDERS = 16
const LONGEST_MS = 1_200
const PSP = { CAUDAL_PSP_TIMEOUT: '1s', CAUDAL_PSP_CONNECT_TIMEOUT: '500ms' }

type Request = {
  user: SeededUser
  orderId: string
  key: string
  /** undefined if there was no response. */
  response: UserResponse | undefined
  /** Whether the kill ended the request while it waited for its response. */
  cutOff: boolean
}

/** A small random generator, so that a printed seed repeats the moments of the kills. */
function random(seedNumber: number): () => number {
  let state = seedNumber
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

test('P9: repeated kill -9 of everything loses no payment', SLOW, async (t) => {
  const seedNumber = Number(process.env['CAUDAL_TEST_SEED'] ?? Date.now() % 1_000_000)
  t.diagnostic(`CAUDAL_TEST_SEED=${seedNumber}`)
  const next = random(seedNumber)
  const dataDir = await dataDirectory(t)
  const all: Request[] = []
  let cutOff = 0
  for (const [index, what] of ROUNDS.entries()) {
    // A crash during the recovery from the previous one.
    if (index % 2 === 1) await killWhileStarting({ dataDir, env: PSP }, next() * LONGEST_MS)
    const system = await launchSystem(t, { dataDir, env: PSP })
    await setBehaviour(system.psp_url, {
      default: 'random:0.1',
      latency_ms: 100,
      seed: seedNumber + index,
    })
    const requests = await requestsOf(dataDir)
    all.push(...requests)
    const sending = sendUntilKilled(system, requests)
    await sending.firstAnswer
    await delay(next() * LONGEST_MS) // the moment of the crash, not a synchronisation
    await crash(t, what, dataDir, system)
    await sending.ended
    const cut = requests.filter((request) => request.cutOff).length
    const response = requests.filter((request) => request.response).length
    t.diagnostic(`round ${index + 1}: ${response} of ${requests.length} responses, ${cut} cut off`)
    cutOff += cut
  }
  assert.ok(cutOff > 0, 'no kill cut off a request, so the fault did not occur')

  const system = await launchSystem(t, { dataDir, env: PSP })
  await setBehaviour(system.psp_url, { default: 'approve' })
  await repeatAll(system, all)
  await assertPaymentsEnded(system, all)
  assert.deepEqual(await violationsOf(dataDir), [])
  assert.equal(await system.stop(), 0)
})

async function requestsOf(dataDir: string): Promise<Request[]> {
  const users = await seed(dataDir, { users: USERS, orders: ORDERS, balance: '1000.00' })
  return users.flatMap((user) =>
    user.orders.map(({ external_order_id: orderId }) => ({
      user,
      orderId,
      key: randomUUID(),
      response: undefined,
      cutOff: false,
    })),
  )
}

/** Sends requests until the system is killed. Requests without a response are repeated later. */
function sendUntilKilled({ gateway_url: url }: LaunchedSystem, requests: readonly Request[]) {
  const queue = [...requests]
  const { promise: firstAnswer, resolve } = Promise.withResolvers<void>()
  const sender = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      try {
        next.response = await postPayment(url, next.user, next.orderId, next.key)
        resolve()
      } catch {
        next.cutOff = true // the system was killed
        return
      }
    }
  }
  return { firstAnswer, ended: Promise.all(Array.from({ length: SENDERS }, sender)) }
}

async function crash(
  t: TestContext,
  what: (typeof ROUNDS)[number],
  dataDir: string,
  system: LaunchedSystem,
): Promise<void> {
  const server = await databasePid(dataDir)
  assert.ok(server !== undefined)
  await system.kill()
  if (what === 'machine') {
    await killDatabase(dataDir)
    assert.equal(await databasePid(dataDir), undefined)
    t.diagnostic('killed the process and the database')
    return
  }
  assert.equal(
    await databasePid(dataDir),
    server,
    'the database server keeps running without its parent',
  )
  const open = await count(dataDir, 'caudal_payments', 'payments WHERE finalized_at IS NULL')
  const sending = await count(dataDir, 'caudal_processor', `attempts WHERE status = 'SENDING'`)
  t.diagnostic(`killed the process with ${open} open payments, ${sending} of them at the PSP`)
}

async function count(dataDir: string, database: string, what: string): Promise<number> {
  const admin = await connectAsAdmin(dataDir, database)
  const { rows } = await admin.query<{ found: number }>(
    `SELECT count(*)::int AS found FROM ${what}`,
  )
  await admin.end()
  return rows[0]!.found
}

/** Repeats every request: each is accepted, and earlier responses are repeated byte for byte. */
async function repeatAll(system: LaunchedSystem, requests: readonly Request[]): Promise<void> {
  await inParallel(requests, async (request) => {
    const { user, orderId, key, response } = request
    // A busy machine may ask for another try, with the same key.
    const answer = await eventually(async () => {
      const one = await postPayment(system.gateway_url, user, orderId, key)
      return one.status !== 503 && one
    })
    assert.equal(answer.status, 202, answer.text)
    if (response?.status === 202) {
      assert.equal(answer.text, response.text, 'a response is replayed byte for byte')
      assert.equal(answer.headers['location'], response.headers['location'])
      assert.equal(answer.headers['idempotency-replayed'], 'true')
    }
    request.response = answer
  })
}

/** Asserts that each order has one final payment, charged once if completed and else not at all. */
async function assertPaymentsEnded(
  system: LaunchedSystem,
  requests: readonly Request[],
): Promise<void> {
  const ended = new Map<string, string>()
  const users = new Set(requests.map(({ user }) => user))
  await inParallel([...users], async (user) => {
    const payments = await allWithStatus(system.gateway_url, user, ['COMPLETED', 'FAILED'])
    assert.equal(payments.length, ORDERS, 'each order has one payment')
    for (const { payment_id: id, status } of payments) ended.set(String(id), String(status))
  })
  const charges = await countCharges(system.psp_url)
  for (const { response } of requests) {
    const id = String(response!.body['payment_id'])
    const status = ended.get(id)
    assert.equal(charges.get(id) ?? 0, status === 'COMPLETED' ? 1 : 0, `${id} is ${status}`)
  }
  const orphans = [...charges.keys()].filter((id) => !ended.has(id))
  assert.deepEqual(orphans, [], 'no charge without a payment')
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: SENDERS }, worker))
}
