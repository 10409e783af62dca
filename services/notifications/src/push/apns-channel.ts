import { type ClientHttp2Session, connect, constants } from 'node:http2'
import type { PushOutcome } from '../domain/decide-delivery.ts'
import type { Message } from '../domain/write-message.ts'
import { type ApnsKey, createProviderTokens } from './provider-tokens.ts'
import { type PushChannel, retryAfterFault } from './push-channel.ts'

export type ApnsOptions = {
  /** `https://api.push.apple.com`, or a stand-in. */
  url: string
  key: ApnsKey
  /** The app's bundle id. */
  topic: string
  timeoutMs: number
}

/** Tokens that will never work again (Apple: "Handling error responses from APNs"). */
const DEAD = new Set(['BadDeviceToken', 'Unregistered', 'DeviceTokenNotForTopic', 'ExpiredToken'])

/** APNs over HTTP/2: one session carries many messages at once; a broken one is replaced (P6). */
export function createApnsChannel(options: ApnsOptions): PushChannel {
  const tokens = createProviderTokens(options.key)
  let session: ClientHttp2Session | undefined
  const open = (): ClientHttp2Session => {
    if (session && !session.closed && !session.destroyed) return session
    const next = connect(options.url)
    const forget = (): void => {
      if (session === next) session = undefined
    }
    next.on('error', forget)
    next.on('goaway', forget)
    next.on('close', forget)
    session = next
    return next
  }
  const send = async (deviceToken: string, message: Message): Promise<PushOutcome> => {
    try {
      const token = await tokens.get()
      const { status, body } = await post(open(), options, { deviceToken, message, token })
      if (status === 403) tokens.forget()
      return classify(status, body)
    } catch (error) {
      return retryAfterFault(error)
    }
  }
  const close = (): Promise<void> =>
    new Promise((resolve) => (session ? session.close(resolve) : resolve()))
  return { send, close }
}

type Sending = { deviceToken: string; message: Message; token: string }

function post(
  session: ClientHttp2Session,
  { topic, timeoutMs }: ApnsOptions,
  { deviceToken, message, token }: Sending,
): Promise<{ status: number; body: string }> {
  const { id, title, body, data } = message
  return new Promise((resolve, reject) => {
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: `/3/device/${encodeURIComponent(deviceToken)}`,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/json',
      authorization: `bearer ${token}`,
      'apns-id': id,
      'apns-collapse-id': id,
      'apns-topic': topic,
      'apns-push-type': 'alert',
      'apns-priority': '10',
    })
    let status = 0
    let text = ''
    stream.setEncoding('utf8')
    stream.setTimeout(timeoutMs, () => stream.close(constants.NGHTTP2_CANCEL))
    stream.on('response', (headers) => (status = Number(headers[':status'])))
    stream.on('data', (chunk: string) => (text += chunk))
    stream.on('error', reject)
    stream.on('close', () => {
      if (status === 0) reject(new Error('no answer in time'))
      else resolve({ status, body: text })
    })
    stream.end(JSON.stringify({ aps: { alert: { title, body }, 'thread-id': id }, ...data }))
  })
}

function classify(status: number, body: string): PushOutcome {
  if (status === 200) return { kind: 'delivered' }
  const error = reasonOf(body) ?? `HTTP_${status}`
  if (status === 410 || DEAD.has(error)) return { kind: 'dead_device', error }
  // 403 is our key or token, 429 and 5xx pass: none of them says anything about this message.
  if (status === 403 || status === 429 || status >= 500) return { kind: 'retry', error }
  return { kind: 'rejected', error }
}

function reasonOf(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { reason?: string }).reason
  } catch {
    return undefined
  }
}
