import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { startTestIssuer } from '@caudal/http/start-test-issuer.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { readConfig } from '../src/config.ts'
import { start } from '../src/main.ts'

export const PAYMENT_ID = '0190b2a4-0000-7000-8000-0000000000aa'
export const KEY = '8f14e45f-ceea-467f-a0e6-1b2c3d4e5f60'

type Handle = (request: IncomingMessage, response: ServerResponse) => void

interface Seen {
  method: string | undefined
  url: string | undefined
  headers: IncomingMessage['headers']
  body: Buffer
}

/** The gateway before a service that records requests and answers as the test defines. */
export async function startTestGateway(
  t: TestContext,
  env: Record<string, string> = {},
  handle?: Handle,
) {
  const issuer = await startTestIssuer()
  const seen: Seen[] = []
  const peer = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method, url, headers } = request
      seen.push({ method, url, headers, body: Buffer.concat(chunks) })
      const answer = handle ?? accept
      answer(request, response)
    })
  })
  await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve))
  const peerUrl = `http://127.0.0.1:${(peer.address() as AddressInfo).port}`
  const lines: string[] = []
  const service = await start(
    readConfig({
      CAUDAL_API_GATEWAY_PORT: '0',
      CAUDAL_IDENTITY_URL: issuer.url,
      CAUDAL_PAYMENTS_URL: peerUrl,
      CAUDAL_WALLETS_URL: peerUrl,
      CAUDAL_PROCESSOR_URL: peerUrl,
      ...env,
    }),
    createLogger({
      service: 'api-gateway',
      destination: { write: (line: string) => lines.push(line) },
    }),
  )
  const stopPeer = (): void => {
    peer.close()
    peer.closeAllConnections()
  }
  t.after(async () => {
    stopPeer()
    await Promise.all([service.stop(), issuer.stop()])
  })
  const token = await issuer.sign()
  const ask = async (method: string, path: string, init: Init = {}): Promise<Answer> => {
    const { headers, body, bearer = token } = init
    const sent =
      bearer === null ? { ...headers } : { authorization: `Bearer ${bearer}`, ...headers }
    const response = await fetch(`${service.url}${path}`, {
      method,
      headers: sent,
      ...(body === undefined ? {} : { body }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text }
  }
  const pay = (init: Init = {}): Promise<Answer> =>
    ask('POST', '/api/v1/payments', {
      body: '{"external_order_id":"x"}',
      ...init,
      headers: { 'content-type': 'application/json', 'idempotency-key': KEY, ...init.headers },
    })
  return { service, issuer, seen, ask, pay, lines, stopPeer }
}

interface Init {
  headers?: Record<string, string>
  body?: string | Buffer
  bearer?: string | null
}

export interface Answer {
  status: number
  headers: Headers
  text: string
}

export function accept(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(202, {
    'content-type': 'application/json; charset=utf-8',
    location: `/v1/payments/${PAYMENT_ID}`,
    'idempotency-replayed': 'true',
    'x-internal-host': 'payments-7',
  })
  response.end('{ "payment_id" : "as it was written" }')
}

export function assertProblem(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.headers.get('content-type'), 'application/problem+json')
  const body = JSON.parse(answer.text) as Record<string, unknown>
  assert.equal(body.code, code)
  assert.equal(body.status, status)
  assert.equal(body.trace_id, answer.headers.get('traceparent')?.slice(3, 35))
  assert.ok(!/node_modules|127\.0\.0\.1|ECONN|\.ts\b/.test(answer.text), answer.text)
}
