import { randomUUID } from 'node:crypto'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type Push, storableId, storableText, withoutNul } from './push.ts'

const MAX_DATA_BYTES = 4_096
// Prefixes that FCM reserves (see its guide "Customize a message across platforms").
const RESERVED = /^(from|message_type|google|gcm)/
const DEVICE_TOKEN = /^[\w:-]{1,512}$/

const Text = Type.Optional(Type.String())
const Anything = Type.Optional(Type.Record(Type.String(), Type.Unknown()))
const closed = { additionalProperties: false }

const SendRequest = Type.Object(
  {
    validate_only: Type.Optional(Type.Boolean()),
    message: Type.Object(
      {
        name: Text,
        token: Type.String(),
        data: Type.Optional(Type.Record(Type.String(), Type.String())),
        notification: Type.Optional(Type.Object({ title: Text, body: Text, image: Text }, closed)),
        android: Type.Optional(Type.Object({ collapse_key: Text })),
        webpush: Anything,
        apns: Anything,
        fcm_options: Anything,
      },
      closed,
    ),
  },
  closed,
)
const validator = Compile(SendRequest)

/** A request that FCM would refuse, with the text of the error's `message`. */
export interface FcmRefusal {
  refusal: string
}

/**
 * Parses the body of messages:send (FCM HTTP v1). The stable id is `data.message_id`, else the
 * collapse key, else a new id.
 */
export function readFcmMessage(body: unknown): { push: Push; validateOnly: boolean } | FcmRefusal {
  if (!validator.Check(body)) {
    const [error] = validator.Errors(body)
    const at = error?.instancePath.slice(1).replaceAll('/', '.') ?? ''
    return { refusal: `Invalid value at '${withoutNul(at)}': ${error?.message ?? 'unreadable'}` }
  }
  const { token, data = {}, notification, android } = body.message
  if (!DEVICE_TOKEN.test(token)) {
    return { refusal: 'The registration token is not a valid FCM registration token' }
  }
  const reserved = Object.keys(data).find((name) => RESERVED.test(name))
  if (reserved !== undefined && reserved !== 'message_id') {
    return { refusal: `Invalid data payload key: ${withoutNul(reserved)}` }
  }
  if (Buffer.byteLength(JSON.stringify(data)) > MAX_DATA_BYTES) {
    return { refusal: 'Android message is too big' }
  }
  const stableId = storableId(data['message_id'] ?? android?.collapse_key)
  const push: Push = {
    messageId: stableId ?? randomUUID(),
    platform: 'android',
    deviceToken: token,
    userId: storableId(data['user_id']),
    paymentId: storableId(data['payment_id']),
    title: storableText(notification?.title),
    body: storableText(notification?.body),
    data,
  }
  return { push, validateOnly: body.validate_only === true }
}
