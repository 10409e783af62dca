import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { dataDirectory, launchSystem, type LaunchedSystem } from '../support/launch-system.ts'
import {
  type Answer,
  chargesOf,
  paymentWithStatus,
  postPayment,
  seed,
  type SeededUser,
  setBehaviour,
  violationsOf,
} from '../support/user-client.ts'

const ROUNDS = 4
const SENDERS = 16

type Request = { user: SeededUser; orderId: string; key: string; heard: Answer | undefined }

/** A small generator, so that a printed seed repeats the moments of the kills. */
function random(seedNumber: number): () => number {
  let state = seedNumber
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Sends until the system is gone; what was not heard stays to be repeated. */
async function sendUntilKilled(gatewayUrl: string, requests: Request[]): Promise<void> {
  const queue = [...requests]
  const sender = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      try {
        next.heard = await postPayment(gatewayUrl, next.user, next.orderId, next.key)
      } catch {
        return // the system is gone
      }
    }
  }
  await Promise.all(Array.from({ length: SENDERS }, sender))
}

async function repeatAll(gatewayUrl: string, requests: Request[]): Promise<void> {
  for (const request of requests) {
    const { user, orderId, key, heard } = request
    const answer = await postPayment(gatewayUrl, user, orderId, key)
    assert.equal(answer.status, 202)
    if (heard?.status === 202) {
      assert.equal(answer.text, heard.text, 'an answer replays byte for byte')
      assert.equal(answer.headers['idempotency-replayed'], 'true')
    }
    request.heard = answer
  }
}

async function followAll(system: LaunchedSystem, requests: Request[]): Promise<void> {
  for (const { user, heard } of requests) {
    const id = heard!.body['payment_id'] as string
    const { status } = await paymentWithStatus(system.gateway_url, user, id, [
      'COMPLETED',
      'FAILED',
    ])
    const charges = await chargesOf(system.psp_url, id)
    assert.equal(charges.length, status === 'COMPLETED' ? 1 : 0, `${id} is ${status}`)
  }
}

test('P9: kill -9 of everything under load, again and again: nothing lost, nothing twice', async (t) => {
  const seedNumber = Number(process.env['CAUDAL_TEST_SEED'] ?? Date.now() % 1_000_000)
  t.diagnostic(`CAUDAL_TEST_SEED=${seedNumber}`)
  const next = random(seedNumber)
  const dataDir = await dataDirectory(t)
  const all: Request[] = []
  let killedUnderWay = 0
  for (let round = 1; round <= ROUNDS; round += 1) {
    const system = await launchSystem(t, { dataDir })
    await setBehaviour(system.psp_url, { default: 'random:0.1', seed: seedNumber + round })
    const users = await seed(dataDir, { users: 20, orders: 20, balance: '1000.00' })
    const requests = users.flatMap((user) =>
      user.orders.map(({ external_order_id: orderId }): Request => ({
        user,
        orderId,
        key: randomUUID(),
        heard: undefined,
      })),
    )
    all.push(...requests)
    const sending = sendUntilKilled(system.gateway_url, requests)
    await delay(100 + next() * 900) // the moment of the crash, not a synchronisation
    await system.kill()
    await sending
    const unheard = requests.filter(({ heard }) => heard === undefined).length
    t.diagnostic(`round ${round}: killed with ${unheard} of ${requests.length} not heard`)
    if (unheard > 0) killedUnderWay += 1
  }
  assert.ok(killedUnderWay > 0, 'no kill came under load: the fault never fired')

  const system = await launchSystem(t, { dataDir })
  await setBehaviour(system.psp_url, { default: 'approve' })
  await repeatAll(system.gateway_url, all)
  await followAll(system, all)
  assert.deepEqual(await violationsOf(dataDir), [])
})
