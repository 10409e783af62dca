import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { newId } from '@caudal/contracts/ids.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { AcceptPush } from '../accept-push.ts'
import { type ApnsRefusal, readApnsPush } from '../domain/read-apns-push.ts'

// More than the APNs limit, so that a body slightly over the limit gets PayloadTooLarge.
const MAX_READ_BYTES = 64 * 1024

/** Dependencies of the APNs handler. */
export interface ApnsDeps {
  acceptPush: AcceptPush
  /** Since when unregistered devices are unregistered, in Unix milliseconds. */
  unregisteredSinceMs(): number
  logger: Logger
}

/** Handles one request of Apple's provider API: 200 with an empty body, or a reason. */
export async function handlePush(
  deps: ApnsDeps,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  const body = await readBody(stream)
  if (body === null) return
  const { ':method': method = '', ':path': path = '' } = headers
  const push = readApnsPush({ method, path, headers, body }, Date.now())
  if ('reason' in push) return refuse(stream, newId(), push)
  const { messageId } = push
  try {
    const outcome = await deps.acceptPush(push)
    if (outcome === 'unregistered') {
      const timestamp = deps.unregisteredSinceMs()
      return refuse(stream, messageId, { status: 410, reason: 'Unregistered' }, { timestamp })
    }
    if (outcome === 'failed') {
      return refuse(stream, messageId, { status: 500, reason: 'InternalServerError' })
    }
  } catch (error) {
    deps.logger.error({ err: error, payment_id: push.paymentId }, 'could not record a push')
    return refuse(stream, messageId, { status: 503, reason: 'ServiceUnavailable' })
  }
  if (stream.destroyed) return
  stream.respond({ ':status': 200, 'apns-id': messageId }, { endStream: true })
}

function refuse(
  stream: ServerHttp2Stream,
  apnsId: string,
  { status, reason }: ApnsRefusal,
  members: { timestamp?: number } = {},
): void {
  if (stream.destroyed) return
  stream.respond({ ':status': status, 'apns-id': apnsId, 'content-type': 'application/json' })
  stream.end(JSON.stringify({ reason, ...members }))
}

/** Reads at most MAX_READ_BYTES of the body; null if the sender disconnected. */
async function readBody(stream: ServerHttp2Stream): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size <= MAX_READ_BYTES) chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } catch {
    return null
  }
}
