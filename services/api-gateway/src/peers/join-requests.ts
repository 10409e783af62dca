import { isUtf8 } from 'node:buffer'
import { isBrokenConnection } from '@caudal/retry/connection-faults.ts'
import type { PeerAnswer, PeerRequest } from './exchange.ts'

export interface JoinOptions {
  /** The path of requests that can be joined, and where they go together. */
  path: string
  to: string
  /** Sends a request by itself. */
  alone: (request: PeerRequest) => Promise<PeerAnswer>
  /** Sends a request and hands over the bytes of its answer as they come. */
  stream: (request: PeerRequest, onData: (chunk: Buffer) => void) => Promise<{ status: number }>
}

interface Waiting {
  request: PeerRequest
  answered: boolean
  resolve: (answer: PeerAnswer) => void
  reject: (error: unknown) => void
}

type Line = { index: number; status: number; headers: Record<string, string>; body: string }

const MAX_JOINED = 64
const MAX_BODY_BYTES = 1_024
/** The headers of a joined request; a request with another header goes alone. */
const CARRIED = new Set([
  'authorization',
  'traceparent',
  'x-payment-id',
  'idempotency-key',
  'content-type',
])

/**
 * Joins writes that are sent in the same turn of the event loop into one exchange: one exchange per
 * write costs more CPU than the rest of the gateway's work. Each write keeps its own token and
 * idempotency key and gets its own answer as soon as it arrives. Writes that a broken exchange
 * leaves unanswered are sent again alone, which their idempotency key makes safe.
 */
export function joinRequests(options: JoinOptions): (request: PeerRequest) => Promise<PeerAnswer> {
  let gathered: Waiting[] = []
  const leave = (): void => {
    const all = gathered
    gathered = []
    for (let start = 0; start < all.length; start += MAX_JOINED) {
      void sendTogether(options, all.slice(start, start + MAX_JOINED))
    }
  }
  return (request) => {
    if (!canBeJoined(options, request)) return options.alone(request)
    const { promise, resolve, reject } = Promise.withResolvers<PeerAnswer>()
    if (gathered.length === 0) setImmediate(leave)
    gathered.push({ request, answered: false, resolve, reject })
    return promise
  }
}

function canBeJoined({ path }: JoinOptions, request: PeerRequest): boolean {
  const { method, body, headers } = request
  if (method !== 'POST' || request.path !== path || body === null) return false
  if (body.length > MAX_BODY_BYTES || !isUtf8(body)) return false
  return Object.keys(headers).every((name) => CARRIED.has(name))
}

async function sendTogether(options: JoinOptions, batch: readonly Waiting[]): Promise<void> {
  const [first] = batch
  if (batch.length === 1 && first !== undefined) return sendAlone(options, first)
  const request = join(options, batch)
  const readLines = lineReader((line) => answer(batch, JSON.parse(line) as Line))
  let fault: unknown
  try {
    await options.stream(request, readLines)
  } catch (error) {
    fault = error
  }
  for (const waiting of batch) {
    if (waiting.answered) continue
    // After a timeout a second try would time out too. After any other fault the write is unknown.
    if (fault === undefined || isBrokenConnection(fault)) void sendAlone(options, waiting)
    else waiting.reject(fault)
  }
}

async function sendAlone({ alone }: JoinOptions, waiting: Waiting): Promise<void> {
  try {
    waiting.resolve(await alone(waiting.request))
  } catch (error) {
    waiting.reject(error)
  }
}

function join({ to }: JoinOptions, batch: readonly Waiting[]): PeerRequest {
  const requests = batch.map(({ request: { headers, body } }) => {
    const { 'content-type': _, ...carried } = headers
    return { ...carried, body: body!.toString() }
  })
  return {
    method: 'POST',
    path: to,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ requests })),
  }
}

function answer(batch: readonly Waiting[], { index, status, headers, body }: Line): void {
  const waiting = batch[index]
  if (waiting === undefined || waiting.answered) return
  waiting.answered = true
  waiting.resolve({ status, headers, body: Buffer.from(body) })
}

function lineReader(onLine: (line: string) => void): (chunk: Buffer) => void {
  let half: Buffer | undefined
  return (chunk) => {
    const bytes: Buffer = half === undefined ? chunk : Buffer.concat([half, chunk])
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      onLine(bytes.toString('utf8', start, end))
      start = end + 1
    }
    half = start < bytes.length ? bytes.subarray(start) : undefined
  }
}

const NEWLINE = 0x0a
