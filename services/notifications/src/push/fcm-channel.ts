import { retryAfterMs } from '@caudal/outbound/retry-after.ts'
import { withDeadline } from '@caudal/retry/with-deadline.ts'
import { Pool } from 'undici'
import type { PushOutcome } from '../domain/decide-delivery.ts'
import type { Content } from '../domain/write-content.ts'
import { createGoogleTokens, type ServiceAccount } from './google-tokens.ts'
import { eitherSignal, errorCodeOf, type PushChannel, retryAfterFault } from './push-channel.ts'

export type FcmOptions = {
  /** `https://fcm.googleapis.com`, or a stand-in. */
  url: string
  account: ServiceAccount
  /** Most connections; further notifications wait for one. */
  connections: number
  /** Timeout for a notification, including the wait for a connection and the access token. */
  timeoutMs: number
}

type FcmError = { error?: { status?: string; details?: { errorCode?: string }[] } }

const MOST_ANSWER_BYTES = 64 * 1024

/** A thin client of FCM's HTTP v1 API, because the official client has a fixed address (P6). */
export function createFcmChannel(options: FcmOptions): PushChannel {
  const { url, account, connections, timeoutMs } = options
  const pool = new Pool(url, {
    connections,
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: 30_000,
    maxResponseSize: MOST_ANSWER_BYTES,
  })
  const tokens = createGoogleTokens(account, timeoutMs)
  const path = `/v1/projects/${encodeURIComponent(account.project_id)}/messages:send`

  const post = async (body: string, signal: AbortSignal): Promise<PushOutcome> => {
    const token = await tokens.get()
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
    const answer = await pool.request({ method: 'POST', path, headers, body, signal })
    const text = await answer.body.text()
    if (answer.statusCode === 401) tokens.refused(token)
    return classify(answer.statusCode, text, answer.headers['retry-after'])
  }
  return {
    async send(deviceToken, content, callers) {
      const body = JSON.stringify(render(deviceToken, content, Date.now()))
      const exchange = (own: AbortSignal) => post(body, eitherSignal(own, callers))
      return withDeadline(timeoutMs, exchange).catch(retryAfterFault)
    },
    close: () => pool.close(),
  }
}

function render(token: string, content: Content, nowMs: number): object {
  const { id, title, body, data, expiresAtMs } = content
  const ttlSeconds = Math.max(0, Math.floor((expiresAtMs - nowMs) / 1_000))
  return {
    message: {
      token,
      notification: { title, body },
      data,
      // Notifications with the same key replace each other on the device, so repeats show once.
      android: { collapse_key: id, ttl: `${ttlSeconds}s`, notification: { tag: id } },
    },
  }
}

/**
 * https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode. Only UNREGISTERED removes a
 * device: the other refusals of a token can come from a wrong project or key of the operator.
 */
function classify(status: number, text: string, retryAfter: unknown): PushOutcome {
  if (status === 200) return { kind: 'delivered' }
  const code = errorCode(text)
  const error = code ?? `HTTP_${status}`
  if (code === 'UNREGISTERED') return { kind: 'dead_device', error }
  if (status === 400 || code === 'SENDER_ID_MISMATCH') return { kind: 'rejected', error }
  const afterMs = retryAfterMs(retryAfter, Date.now())
  return { kind: 'retry', error, ...(afterMs !== null && { afterMs }) }
}

function errorCode(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as FcmError
    const detailed = error?.details?.find(({ errorCode: code }) => code)?.errorCode
    return errorCodeOf(detailed) ?? errorCodeOf(error?.status)
  } catch {
    return undefined
  }
}
