import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type Dispatcher, Pool } from 'undici'
import type { SeededUser } from '../demo-data/seed-users.ts'
import { retryUntilResponse } from './retry-until-response.ts'

/** One requested payment: when it was due, and the response. */
export type Attempt = {
  userIndex: number
  orderId: string
  key: string
  /** The scheduled time in milliseconds on the performance clock, not the time of sending. */
  dueAt: number
  acceptedMs: number | undefined
  /** undefined if there was no response. */
  status: number | undefined
  paymentId: string | undefined
}

/** Counts so far. */
export type Progress = { sent: number; answered: number }

const CONNECTIONS = 1_000
/** For requests that are repeated: few, since the load may have been too much for the system. */
const RESOLVE_CONNECTIONS = 32
const TICK_MS = 5
const ANSWER_TIMEOUT_MS = 30_000
const RETRY_TIMEOUT_MS = 30_000

type Answer = { status: number; paymentId: string | undefined }

/**
 * Sends one payment per order at a steady open-loop rate. A slow response does not delay later
 * requests, and latency counts from the scheduled time, so that queueing is not hidden. A request
 * without a response is repeated with its idempotency key, for at most `retryTimeoutMs`.
 */
export async function sendPayments(
  gatewayUrl: string,
  users: readonly SeededUser[],
  {
    rate,
    count,
    retryTimeoutMs = RETRY_TIMEOUT_MS,
  }: { rate: number; count: number; retryTimeoutMs?: number },
  onProgress: (progress: Progress) => void = () => {},
): Promise<Attempt[]> {
  const pool = new Pool(gatewayUrl, {
    connections: CONNECTIONS,
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
  })
  const startedAt = performance.now()
  const attempts: Attempt[] = []
  const pending: Promise<void>[] = []
  const progress = { sent: 0, answered: 0 }
  while (attempts.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - startedAt) / 1_000) * rate) + 1)
    while (attempts.length < due) {
      const attempt = plan(users, attempts.length, startedAt + (attempts.length * 1_000) / rate)
      attempts.push(attempt)
      progress.sent += 1
      const answered = send(pool, users[attempt.userIndex]!.token, attempt, retryTimeoutMs)
      pending.push(answered.then(() => void (progress.answered += 1)))
    }
    onProgress(progress)
    await delay(TICK_MS)
  }
  await Promise.all(pending)
  onProgress(progress)
  await pool.close()
  return attempts
}

/**
 * Repeats the attempts without a response by their idempotency keys, so that each is known to be
 * accepted or refused. Returns how many there were.
 *
 * @throws {Error} if the gateway does not respond to one of them within `retryTimeoutMs`
 */
export async function resolveUnanswered(
  gatewayUrl: string,
  users: readonly SeededUser[],
  attempts: readonly Attempt[],
  retryTimeoutMs = RETRY_TIMEOUT_MS,
): Promise<number> {
  const unanswered = attempts.filter(({ status }) => status === undefined)
  const pool = new Pool(gatewayUrl, { connections: RESOLVE_CONNECTIONS })
  await Promise.all(
    unanswered.map((one) => send(pool, users[one.userIndex]!.token, one, retryTimeoutMs)),
  )
  await pool.close()
  const open = unanswered.filter(({ status }) => status === undefined)
  if (open.length > 0) throw new Error(`${open.length} requests were not answered`)
  return unanswered.length
}

/** Takes the orders of all users in turn, so that successive payments use different wallets. */
function plan(users: readonly SeededUser[], index: number, dueAt: number): Attempt {
  const userIndex = index % users.length
  const order = users[userIndex]!.orders[Math.floor(index / users.length)]!
  return {
    userIndex,
    orderId: order.external_order_id,
    key: randomUUID(),
    dueAt,
    acceptedMs: undefined,
    status: undefined,
    paymentId: undefined,
  }
}

async function send(
  pool: Pool,
  token: string,
  attempt: Attempt,
  retryTimeoutMs: number,
): Promise<void> {
  const answer = await retryUntilResponse(() => ask(pool, token, attempt), retryTimeoutMs)
  if (answer === undefined) return
  attempt.status = answer.status
  attempt.acceptedMs = performance.now() - attempt.dueAt
  attempt.paymentId = answer.paymentId
}

/** Makes one attempt; undefined if the response does not show whether the payment was accepted. */
async function ask(pool: Pool, token: string, attempt: Attempt): Promise<Answer | undefined> {
  const { status, text } = await exchange(pool, {
    method: 'POST',
    path: '/api/v1/payments',
    headers: {
      authorization: `Bearer ${token}`,
      'idempotency-key': attempt.key,
      'content-type': 'application/json',
    },
    body: `{"external_order_id":"${attempt.orderId}"}`,
  })
  const body = JSON.parse(text) as { payment_id?: string; code?: string }
  if (body.code === 'UNAVAILABLE' || body.code === 'INTERNAL') return undefined
  return { status, paymentId: body.payment_id }
}

/** Uses undici's low-level API: in benchmarks the clients share the machine with the system. */
function exchange(
  pool: Pool,
  options: Dispatcher.DispatchOptions,
): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  let status = 0
  let text = ''
  pool.dispatch(options, {
    onRequestStart() {},
    onResponseStart(_controller, statusCode) {
      status = statusCode
    },
    onResponseData(_controller, chunk) {
      text += chunk.toString()
    },
    onResponseEnd() {
      resolve({ status, text })
    },
    onResponseError(_controller, error) {
      reject(error)
    },
  })
  return promise
}
