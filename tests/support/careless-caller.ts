import { randomUUID } from 'node:crypto'
import type { ErrorCode } from '@caudal/contracts/error-codes.ts'
import { ask, type Answered, type Ask } from './ask-gateway.ts'
import { assertProblem } from './assert-problem.ts'
import type { SeededUser } from './user-client.ts'

export type CarelessCaller = {
  /** A request to pay that is all right, but for what the test changes. */
  payment(change?: Ask): Ask
  /** A request to read below /api/v1 that is all right, but for what the test changes. */
  reading(path: string, change?: Ask): Ask
  /** Sends the request; fails unless it is answered by this problem. */
  refused(what: string, request: Ask, code: ErrorCode): Promise<Answered>
}

/** Somebody with a good token who makes one mistake at a time. */
export function createCarelessCaller(gatewayUrl: string, user: SeededUser): CarelessCaller {
  const bearer = { authorization: `Bearer ${user.token}` }
  let ordersUsed = 0

  /** Another order each time, so that a request with one mistake has only that one. */
  function freshBody(): string {
    const { external_order_id: id } = user.orders[ordersUsed % user.orders.length]!
    ordersUsed += 1
    return JSON.stringify({ external_order_id: id })
  }

  return {
    payment: (change = {}) => ({
      method: 'POST',
      path: '/api/v1/payments',
      body: freshBody(),
      ...change,
      headers: {
        ...bearer,
        'idempotency-key': randomUUID(),
        'content-type': 'application/json',
        ...change.headers,
      },
    }),
    reading: (path, change = {}) => ({
      path: `/api/v1${path}`,
      ...change,
      headers: { ...bearer, ...change.headers },
    }),
    async refused(what, request, code) {
      const answer = await ask(gatewayUrl, request)
      assertProblem(answer, code, what)
      return answer
    },
  }
}
