import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '@caudal/testing/eventually.ts'
import {
  allWithStatus,
  type UserResponse,
  countCharges,
  postPayment,
  type SeededUser,
} from './user-client.ts'

/** Running traffic. */
export type Traffic = {
  users: readonly SeededUser[]
  /** The number of accepted payments so far. */
  accepted(): number
  /** The ids of a user's accepted payments. */
  acceptedOf(user: SeededUser): readonly string[]
  /** The number of repeated requests, by the response that was not 202. */
  repeated(): ReadonlyMap<string, number>
  /** The longest time until any response, in milliseconds. */
  longestMs(): number
  /** Waits until `count` more payments are accepted. */
  more(count: number): Promise<unknown>
  /** Stops sending and waits for all responses. */
  stop(): Promise<void>
}

/** The rate, and the number of concurrent senders. */
export type TrafficRate = { perSecond: number; senders?: number }

const PAUSE_MS = 200
const RETRY_TIMEOUT_MS = 150_000

/**
 * Pays all orders. A request without a response or with an error is repeated with the same
 * idempotency key until it is accepted.
 */
export function startTraffic(
  gatewayUrl: string,
  users: readonly SeededUser[],
  { perSecond, senders = 6 }: TrafficRate,
): Traffic {
  const orders = users.flatMap((user) => user.orders.map((order) => ({ user, order })))
  const queue = interleaved(orders, users.length)
  const accepted = new Map<SeededUser, string[]>(users.map((user) => [user, []]))
  const repeated = new Map<string, number>()
  let count = 0
  let longestMs = 0
  let stopping = false

  const ask = async (
    user: SeededUser,
    orderId: string,
    key: string,
  ): Promise<UserResponse | string> => {
    const startedAt = performance.now()
    try {
      const answer = await postPayment(gatewayUrl, user, orderId, key)
      if (answer.status === 202) return answer
      return `${answer.status} ${String(answer.body['code'])}`
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error)
    } finally {
      longestMs = Math.max(longestMs, performance.now() - startedAt)
    }
  }
  const pay = async ({ user, order }: (typeof orders)[number]): Promise<void> => {
    const key = randomUUID()
    for (const deadline = Date.now() + RETRY_TIMEOUT_MS; ; await delay(PAUSE_MS)) {
      const answer = await ask(user, order.external_order_id, key)
      if (typeof answer !== 'string') {
        accepted.get(user)!.push(String(answer.body['payment_id']))
        count += 1
        return
      }
      repeated.set(answer, (repeated.get(answer) ?? 0) + 1)
      assert.ok(Date.now() < deadline, `still ${answer} after ${RETRY_TIMEOUT_MS} ms`)
    }
  }
  const sender = async (): Promise<void> => {
    for (let next = queue.shift(); next && !stopping; next = queue.shift()) {
      await pay(next)
      await delay((1_000 * senders) / perSecond)
    }
  }
  const ended = Promise.all(Array.from({ length: senders }, sender))
  ended.catch(() => {}) // thrown by stop()
  return {
    users,
    accepted: () => count,
    acceptedOf: (user) => accepted.get(user) ?? [],
    repeated: () => repeated,
    longestMs: () => longestMs,
    more: (wanted) => {
      const goal = count + wanted
      return eventually(() => count >= goal || queue.length === 0, {
        timeoutMs: RETRY_TIMEOUT_MS,
        label: `${wanted} more payments are accepted`,
      })
    },
    async stop() {
      stopping = true
      await ended
    },
  }
}

/** Asserts that every accepted payment is COMPLETED and that the PSP charged it exactly once. */
export async function everyPaymentCompleted(
  { gatewayUrl, pspUrl }: { gatewayUrl: string; pspUrl: string },
  traffic: Traffic,
): Promise<void> {
  const ids: string[] = []
  for (const user of traffic.users) {
    const own = traffic.acceptedOf(user)
    const ended = await allWithStatus(gatewayUrl, user, ['COMPLETED'])
    assert.deepEqual(ended.map((it) => String(it['payment_id'])).toSorted(), own.toSorted())
    ids.push(...own)
  }
  const charges = await countCharges(pspUrl)
  const wrong = ids.filter((id) => charges.get(id) !== 1)
  assert.deepEqual(wrong, [], 'each payment is charged once')
}

/** Orders the items so that the users take turns and every account always has traffic. */
function interleaved<T>(items: readonly T[], groups: number): T[] {
  const size = items.length / groups
  const order = items.map((item, index) => ({ item, rank: index % size }))
  return order.toSorted((a, b) => a.rank - b.rank).map(({ item }) => item)
}
