import { retryAfterMs } from '@caudal/outbound/retry-after.ts'
import { withDeadline } from '@caudal/retry/with-deadline.ts'
import type { PushOutcome } from '../domain/decide-delivery.ts'
import type { Content } from '../domain/write-content.ts'
import { type Http2Answer, Http2Connection, type Http2Request } from './http2-connection.ts'
import { type ApnsKey, createProviderTokens } from './provider-tokens.ts'
import { eitherSignal, errorCodeOf, type PushChannel, retryAfterFault } from './push-channel.ts'

export type ApnsOptions = {
  /** `https://api.push.apple.com`, or a stand-in. */
  url: string
  key: ApnsKey
  /** The app's bundle id. */
  topic: string
  /** Timeout for a notification, including the wait for a connection and a stream. */
  timeoutMs: number
}

/**
 * Errors after which a token never works again. BadDeviceToken and DeviceTokenNotForTopic are not
 * among them: a wrong topic or environment of the operator causes them too.
 */
const DEAD = new Set(['Unregistered', 'ExpiredToken'])
/** Errors of our topic or connection: the notification can be sent once they are corrected. */
const OURS = new Set(['BadTopic', 'TopicDisallowed', 'MissingTopic', 'IdleTimeout'])

/** APNs over HTTP/2. One connection carries concurrent requests; a lost one is replaced (P6). */
export function createApnsChannel(options: ApnsOptions): PushChannel {
  const { url, topic, timeoutMs } = options
  const tokens = createProviderTokens(options.key)
  const connections = new Set<Http2Connection>()
  let current: Http2Connection | undefined

  const connection = (): Http2Connection => {
    if (current?.usable) return current
    const next = new Http2Connection(url, { timeoutMs, onClose: () => connections.delete(next) })
    connections.add(next)
    current = next
    return next
  }
  const post = async (request: Http2Request, signal: AbortSignal): Promise<Http2Answer> => {
    for (;;) {
      const answer = await connection().post(request, signal)
      if (answer) return answer
    }
  }
  const exchange = async (
    deviceToken: string,
    content: Content,
    signal: AbortSignal,
  ): Promise<PushOutcome> => {
    const token = await tokens.get()
    const answer = await post(render(deviceToken, content, { topic, token }), signal)
    const reason = reasonOf(answer.body)
    if (reason === 'ExpiredProviderToken') tokens.expired(token)
    return classify(answer, reason)
  }
  return {
    send: (deviceToken, content, callers) =>
      withDeadline(timeoutMs, (own) =>
        exchange(deviceToken, content, eitherSignal(own, callers)),
      ).catch(retryAfterFault),
    close: async () => {
      for (const one of connections) one.close()
    },
  }
}

function render(
  deviceToken: string,
  { id, title, body, data, expiresAtMs }: Content,
  { topic, token }: { topic: string; token: string },
): Http2Request {
  return {
    path: `/3/device/${encodeURIComponent(deviceToken)}`,
    headers: {
      'content-type': 'application/json',
      authorization: `bearer ${token}`,
      'apns-id': id,
      'apns-collapse-id': id,
      'apns-expiration': String(Math.floor(expiresAtMs / 1_000)),
      'apns-topic': topic,
      'apns-push-type': 'alert',
      'apns-priority': '10',
    },
    body: JSON.stringify({ aps: { alert: { title, body }, 'thread-id': id }, ...data }),
  }
}

/** Apple: "Handling notification responses from APNs". */
function classify({ status, headers }: Http2Answer, reason: string | undefined): PushOutcome {
  if (status === 200) return { kind: 'delivered' }
  const error = reason ?? `HTTP_${status}`
  if (status === 410 || DEAD.has(error)) return { kind: 'dead_device', error }
  // 403 is our key or token, 404 and 405 our address, 429 and 5xx are temporary: none of them is
  // about this notification.
  const passing = [403, 404, 405, 429].includes(status) || status >= 500 || OURS.has(error)
  if (!passing) return { kind: 'rejected', error }
  const afterMs = retryAfterMs(headers['retry-after'], Date.now())
  return { kind: 'retry', error, ...(afterMs !== null && { afterMs }) }
}

function reasonOf(body: string): string | undefined {
  if (body === '') return undefined
  try {
    const { reason } = JSON.parse(body) as { reason?: unknown }
    return errorCodeOf(reason)
  } catch {
    return undefined
  }
}
