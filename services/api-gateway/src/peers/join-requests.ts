import { isUtf8 } from 'node:buffer'
import { isBrokenConnection } from '@caudal/retry/connection-faults.ts'
import type { PeerAnswer, PeerRequest } from './exchange.ts'

/** Writes that can be joined. */
export interface JoinedWrites {
  /** Their path. One that ends with a slash stands for all below it, with whatever headers. */
  path: string
  /** Where they go together. */
  to: string
}

export interface JoinOptions extends JoinedWrites {
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
const MAX_HEADER_CHARACTERS = 4_096
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
 * idempotency key, or its signature, and gets its own answer as soon as it arrives. Writes that a
 * broken exchange leaves unanswered are sent again alone, which their key makes safe.
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
  if (method !== 'POST' || body === null) return false
  if (body.length > MAX_BODY_BYTES || !isUtf8(body)) return false
  if (!hasPathsBelow(path)) {
    return request.path === path && Object.keys(headers).every((name) => CARRIED.has(name))
  }
  return request.path.startsWith(path) && charactersOf(headers) <= MAX_HEADER_CHARACTERS
}

function hasPathsBelow(path: string): boolean {
  return path.endsWith('/')
}

function charactersOf(headers: Record<string, string>): number {
  return Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
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

function join({ path, to }: JoinOptions, batch: readonly Waiting[]): PeerRequest {
  const requests = batch.map(({ request: { headers, body, path: own } }) => {
    if (hasPathsBelow(path)) return { path: own, headers, body: body!.toString() }
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
