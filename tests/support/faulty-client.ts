import { randomUUID } from 'node:crypto'
import type { ErrorCode } from '@caudal/contracts/error-codes.ts'
import { assertProblem } from './assert-problem.ts'
import { sendRequest, type ParsedResponse, type RequestSpec } from './send-request.ts'
import type { SeededUser } from './user-client.ts'

/** Composes and sends requests with one mistake. */
export type FaultyClient = {
  /** A valid payment request, with changes. */
  payment(change?: RequestSpec): RequestSpec
  /** A valid GET request below /api/v1, with changes. */
  reading(path: string, change?: RequestSpec): RequestSpec
  /** Sends the request and asserts that the response is this problem. */
  refused(what: string, request: RequestSpec, code: ErrorCode): Promise<ParsedResponse>
}

/** Creates a client with a valid token. */
export function createFaultyClient(gatewayUrl: string, user: SeededUser): FaultyClient {
  const bearer = { authorization: `Bearer ${user.token}` }
  let ordersUsed = 0

  /** Uses another order each time, so that the only mistake of a request is the intended one. */
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
      const answer = await sendRequest(gatewayUrl, request)
      assertProblem(answer, code, what)
      return answer
    },
  }
}
