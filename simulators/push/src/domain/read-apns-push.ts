import { randomUUID } from 'node:crypto'
import { isUuid } from '@caudal/contracts/ids.ts'
import { parseStrictJson } from '@caudal/http/parse-strict-json.ts'
import { type Push, storableId, storableText } from './push.ts'

/** An HTTP/2 request; header names are in lower case. */
export interface ApnsRequest {
  method: string
  path: string
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Buffer
}

/** An error response of APNs; `reason` is one of Apple's. */
export interface ApnsRefusal {
  status: number
  reason: string
}

const DEVICE_PATH = /^\/3\/device\/([^/?]*)$/
// Hexadecimal. According to Apple the length may change; its tokens have 64 digits or more.
const DEVICE_TOKEN = /^[0-9a-f]{32,200}$/i
const MAX_BODY_BYTES = 4_096
const MAX_COLLAPSE_ID_BYTES = 64
const MAX_TOKEN_AGE_S = 3_600
const PUSH_TYPES = new Set([
  'alert',
  'background',
  'complication',
  'controls',
  'fileprovider',
  'liveactivity',
  'location',
  'mdm',
  'pushtotalk',
  'voip',
  'widgets',
])

/**
 * Parses a request of Apple's provider API, with the checks in Apple's order and Apple's reasons.
 * The message id is `apns-id`, or a new one. `nowMs` is compared with the provider token's age.
 */
export function readApnsPush(request: ApnsRequest, nowMs: number): Push | ApnsRefusal {
  const { method, path, headers, body } = request
  const token = DEVICE_PATH.exec(path)?.[1]
  if (token === undefined) return { status: 404, reason: 'BadPath' }
  if (method !== 'POST') return { status: 405, reason: 'MethodNotAllowed' }
  const refusal = refuseToken(headers['authorization'], nowMs) ?? refuseHeaders(headers)
  if (refusal !== null) return refusal
  if (token === '') return { status: 400, reason: 'MissingDeviceToken' }
  if (!DEVICE_TOKEN.test(token)) return { status: 400, reason: 'BadDeviceToken' }
  if (body.length > MAX_BODY_BYTES) return { status: 413, reason: 'PayloadTooLarge' }
  const payload = readObject(() => parseStrictJson(body))
  if (payload === null) return { status: 400, reason: 'PayloadEmpty' }
  return toPush(payload, token, headers['apns-id'])
}

/** Checks the token's form. The simulator does not know the key, so it checks no signature. */
function refuseToken(authorization: unknown, nowMs: number): ApnsRefusal | null {
  if (typeof authorization !== 'string') return { status: 403, reason: 'MissingProviderToken' }
  const parts = /^bearer ([\w-]+)\.([\w-]+)\.[\w-]+$/i.exec(authorization)
  const header = readObject(() => decode(parts?.[1]))
  const claims = readObject(() => decode(parts?.[2]))
  const { iat, iss } = claims ?? {}
  const wellFormed =
    header?.['alg'] === 'ES256' &&
    typeof header['kid'] === 'string' &&
    typeof iss === 'string' &&
    typeof iat === 'number'
  if (!wellFormed) return { status: 403, reason: 'InvalidProviderToken' }
  const expired = nowMs / 1_000 - iat > MAX_TOKEN_AGE_S
  return expired ? { status: 403, reason: 'ExpiredProviderToken' } : null
}

function refuseHeaders(headers: ApnsRequest['headers']): ApnsRefusal | null {
  const id = headers['apns-id']
  if (id !== undefined && !isUuid(String(id))) return { status: 400, reason: 'BadMessageId' }
  if (headers['apns-topic'] === undefined) return { status: 400, reason: 'MissingTopic' }
  const type = headers['apns-push-type']
  if (type !== undefined && !PUSH_TYPES.has(String(type))) {
    return { status: 400, reason: 'InvalidPushType' }
  }
  const collapseId = headers['apns-collapse-id']
  if (collapseId !== undefined && Buffer.byteLength(String(collapseId)) > MAX_COLLAPSE_ID_BYTES) {
    return { status: 400, reason: 'BadCollapseId' }
  }
  return null
}

function toPush(
  { aps, ...data }: Record<string, unknown>,
  deviceToken: string,
  id: string | string[] | undefined,
): Push {
  const alert = isObject(aps) ? aps['alert'] : undefined
  const { title, body } = isObject(alert) ? alert : { title: undefined, body: alert }
  const nested = isObject(data['data']) ? data['data'] : {}
  return {
    messageId: id === undefined ? randomUUID() : String(id).toLowerCase(),
    platform: 'ios',
    deviceToken,
    userId: storableId(data['user_id'] ?? nested['user_id']),
    paymentId: storableId(data['payment_id'] ?? nested['payment_id']),
    title: storableText(title),
    body: storableText(body),
    data,
  }
}

function decode(part = ''): unknown {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
}

function readObject(read: () => unknown): Record<string, unknown> | null {
  try {
    const value = read()
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
