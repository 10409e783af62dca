import { Pool } from 'undici'
import type { PushOutcome } from '../domain/decide-delivery.ts'
import type { Message } from '../domain/write-message.ts'
import { createGoogleTokens, type ServiceAccount } from './google-tokens.ts'
import { type PushChannel, retryAfterFault } from './push-channel.ts'

export type FcmOptions = {
  /** `https://fcm.googleapis.com`, or a stand-in. */
  url: string
  account: ServiceAccount
  connections: number
  timeoutMs: number
}

type FcmError = {
  error?: { status?: string; message?: string; details?: { errorCode?: string }[] }
}

/** FCM's HTTP v1 API: a thin client of our own, since the official one has a fixed address (P6). */
export function createFcmChannel(options: FcmOptions): PushChannel {
  const { url, account, connections, timeoutMs } = options
  const pool = new Pool(url, {
    connections,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: 30_000,
  })
  const tokens = createGoogleTokens(account, timeoutMs)
  const path = `/v1/projects/${encodeURIComponent(account.project_id)}/messages:send`
  const send = async (deviceToken: string, message: Message): Promise<PushOutcome> => {
    try {
      const answer = await pool.request({
        method: 'POST',
        path,
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${await tokens.get()}`,
        },
        body: JSON.stringify(render(deviceToken, message)),
      })
      const text = await answer.body.text()
      if (answer.statusCode === 401) tokens.forget()
      return classify(answer.statusCode, text, answer.headers['retry-after'])
    } catch (error) {
      return retryAfterFault(error)
    }
  }
  return { send, close: () => pool.close() }
}

function render(token: string, { id, title, body, data }: Message): object {
  return {
    message: {
      token,
      notification: { title, body },
      data,
      // Messages of one key replace each other on the device: a repeat is not shown twice.
      android: { collapse_key: id, notification: { tag: id } },
    },
  }
}

/** https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode */
function classify(status: number, text: string, retryAfter: unknown): PushOutcome {
  if (status === 200) return { kind: 'delivered' }
  const code = errorCode(text) ?? `HTTP_${status}`
  if (code === 'UNREGISTERED' || code === 'SENDER_ID_MISMATCH') {
    return { kind: 'dead_device', error: code }
  }
  if (status === 400 || status === 404) return { kind: 'rejected', error: code }
  const afterMs = Number(retryAfter) * 1_000
  return { kind: 'retry', error: code, ...(afterMs > 0 && { afterMs }) }
}

function errorCode(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as FcmError
    return error?.details?.find(({ errorCode: code }) => code)?.errorCode ?? error?.status
  } catch {
    return undefined
  }
}
