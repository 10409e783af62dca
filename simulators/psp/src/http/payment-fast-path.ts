import assert from 'node:assert/strict'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { closeObjects, compileValidator } from '@caudal/http/compile-validator.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { parseStrictJson } from '@caudal/http/parse-strict-json.ts'
import type { Problem } from '@caudal/http/problem.ts'
import { deliver } from '@caudal/simulator-kit/http/deliver.ts'
import type { PendingResponses } from '@caudal/simulator-kit/http/pending-responses.ts'
import { toProblem, writeProblem } from '@caudal/simulator-kit/http/write-response.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import {
  childTraceparent,
  newTraceparent,
  parseTraceparent,
  traceIdOf,
} from '@caudal/telemetry/trace-context.ts'
import { acceptPayment, type AcceptPaymentDeps } from '../accept-payment.ts'
import { PspPaymentRequest } from '../domain/payment-request.ts'
import { paymentResponses } from '../domain/payment-responses.ts'

const PATH = '/v1/payments'
const CONTENT_TYPE = /^application\/json(; *charset="?utf-8"?)?$/i
const BODY_LIMIT_BYTES = 16 * 1024
const MS_PER_SECOND = 1_000

interface FastPathDeps extends AcceptPaymentDeps {
  pending: PendingResponses
  metrics: Metrics
}

/**
 * Handles plain payment requests without the web framework. The framework's routing, hooks and
 * reply objects double the cost of a request, and in benchmarks the simulator shares the machine
 * with the services it serves. Any other request (another content type, no length, a large body)
 * and every request during a stop goes to the framework's route of the same path.
 */
export function addPaymentFastPath({ server }: HttpServer, deps: FastPathDeps): void {
  const [framework, ...others] = server.listeners('request') as RequestListener[]
  assert(
    framework !== undefined && others.length === 0,
    'expected the framework to be the only request listener',
  )
  const validate = compileValidator({
    schema: closeObjects(PspPaymentRequest) as Record<string, unknown>,
    method: 'POST',
    url: PATH,
    httpPart: 'body',
  })
  const count = countPayments(deps.metrics)
  server.removeListener('request', framework)
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (deps.pending.released || !isPlain(request)) return framework(request, response)
    const startedMs = performance.now()
    collect(request, (body) => {
      const readBody = (): PspPaymentRequest => {
        const read = validate(parseStrictJson(body)) as {
          value: PspPaymentRequest
          error?: Problem
        }
        if (read.error !== undefined) throw read.error
        return read.value
      }
      void respond(deps, request, response, readBody).then(() => count(response, startedMs))
    })
  })
}

async function respond(
  deps: FastPathDeps,
  request: IncomingMessage,
  response: ServerResponse,
  readBody: () => PspPaymentRequest,
): Promise<void> {
  const { headers } = request
  const parent = parseTraceparent(headers['traceparent'] as string | undefined)
  const traceparent = parent === null ? newTraceparent() : childTraceparent(parent)
  const traceId = traceIdOf(traceparent)
  response.setHeader('traceparent', traceparent)
  try {
    const caller = { key: headers['idempotency-key'], traceId }
    const accepted = await acceptPayment(deps, readBody(), caller)
    await deliver(deps.pending, response, paymentResponses, accepted)
  } catch (error) {
    const problem = toProblem(error)
    const about = { err: error, trace_id: traceId }
    if (problem.code === 'INTERNAL') deps.logger.error(about, 'a payment request failed')
    if (problem.code === 'UNAVAILABLE') {
      deps.logger.warn(about, 'could not record a payment request')
    }
    if (!response.headersSent) writeProblem(response, problem, traceId)
  }
}

/** Whether the framework would accept and parse the request in the same way. */
function isPlain({ method, url, headers }: IncomingMessage): boolean {
  if (url !== PATH || method !== 'POST' || headers.host === undefined) return false
  const length = Number(headers['content-length'])
  const contentType = headers['content-type'] ?? ''
  return length > 0 && length <= BODY_LIMIT_BYTES && CONTENT_TYPE.test(contentType)
}

/** Reads the whole body. If the caller disconnects, there is no one to respond to. */
function collect(request: IncomingMessage, whole: (body: Buffer) => void): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('error', () => undefined)
  request.on('end', () => {
    const [first] = chunks
    whole(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks))
  })
}

/** Counts these requests under the same metrics as the framework's route. */
function countPayments(metrics: Metrics) {
  const labels = ['route', 'method', 'status_class'] as const
  const requests = metrics.counter('http_requests_total', 'Requests answered.', labels)
  const seconds = metrics.histogram('http_request_duration_seconds', 'Latency.', labels)
  const series = (digit: number) => {
    const values = [PATH, 'POST', `${digit}xx`] as const
    return { requests: requests.labels(...values), seconds: seconds.labels(...values) }
  }
  const known = new Map<number, ReturnType<typeof series>>()
  return (response: ServerResponse, startedMs: number): void => {
    // A caller that was left hanging or disconnected got no response.
    if (!response.headersSent) return
    const digit = Math.floor(response.statusCode / 100)
    const counted = known.get(digit) ?? series(digit)
    known.set(digit, counted)
    counted.requests.inc()
    counted.seconds.observe((performance.now() - startedMs) / MS_PER_SECOND)
  }
}
