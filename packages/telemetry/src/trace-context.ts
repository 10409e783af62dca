import { hash, randomFillSync } from 'node:crypto'

/**
 * A pool of 4 KiB of random bytes serves 170 trace contexts. One system call per context would cost
 * more than everything else.
 */
const POOL_BYTES = 4096
const TRACE_ID_BYTES = 16
const SPAN_ID_BYTES = 8
const NO_TRACE = '0'.repeat(32)
const NO_SPAN = '0'.repeat(16)
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const MAX_LENGTH = 128
const TRACE_ID = /^[0-9a-f]{32}$/
const TRACE_NAME = /^[\x21-\x7e]{1,128}$/

const pool = Buffer.allocUnsafe(POOL_BYTES)
let used = POOL_BYTES

/** Creates a sampled trace context, `00-<trace id>-<span id>-01` (W3C Trace Context, P13). */
export function newTraceparent(): string {
  return `00-${randomHex(TRACE_ID_BYTES)}-${randomHex(SPAN_ID_BYTES)}-01`
}

/**
 * Creates a child with the same trace id and sampling decision and a new span id. The parent must
 * be a value that `newTraceparent`, `childTraceparent` or `parseTraceparent` returned.
 */
export function childTraceparent(parent: string): string {
  return `${parent.slice(0, 36)}${randomHex(SPAN_ID_BYTES)}${parent.slice(52)}`
}

/** The trace id, 32 hexadecimal digits, for logs and problem documents. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35)
}

/**
 * Parses a traceparent header; null if it is malformed. Valid are lower-case hexadecimal ids that
 * are not all zero, in version 00 without a suffix, or in a later version, whose suffix is
 * dropped.
 */
export function parseTraceparent(value: string | undefined): string | null {
  if (value === undefined || value.length > MAX_LENGTH) return null
  const match = TRACEPARENT.exec(value)
  if (match === null) return null
  const [, version, traceId, spanId, flags, rest] = match
  if (version === '00' && rest !== undefined) return null
  if (traceId === NO_TRACE || spanId === NO_SPAN) return null
  // Version 00 defines only the sampled bit; bits of later versions are dropped.
  const sampled = Number.parseInt(flags ?? '00', 16) & 1
  return `00-${traceId}-${spanId}-0${sampled}`
}

/**
 * Creates a trace context from an `X-Trace-Id` header (F1); null if the header is invalid. A trace
 * id, 32 lower-case hexadecimal digits, is used as is. Any other text of 1 to 128 visible ASCII
 * characters gives the first 16 bytes of its SHA-256, so equal texts give equal trace ids.
 */
export function traceparentNamed(name: string): string | null {
  if (!TRACE_NAME.test(name)) return null
  const isTraceId = TRACE_ID.test(name) && name !== NO_TRACE
  const traceId = isTraceId ? name : hash('sha256', name, 'hex').slice(0, 2 * TRACE_ID_BYTES)
  return `00-${traceId}-${randomHex(SPAN_ID_BYTES)}-01`
}

function randomHex(bytes: number): string {
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return pool.toString('hex', used - bytes, used)
}
