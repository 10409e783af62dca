import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type {
  ConfiguredCallbacks,
  SendCallbacks,
} from '@caudal/simulator-kit/callbacks/start-callbacks.ts'
import { CallbackUrl } from '@caudal/simulator-kit/http/callback-routes.ts'
import { Type } from 'typebox'

/** Where callbacks go and the Ed25519 key that signs them. */
export interface BatchSettings {
  url: string | null
  keyid: string
  /** The private key, 32 bytes in base64. */
  key: string
}

const MS_PER_SECOND = 1_000
const KEY_BYTES = 32
/** What PKCS #8 puts before the 32 bytes of an Ed25519 key. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const KeyId = Type.String({
  pattern: '^[A-Za-z0-9._-]{1,64}$',
  description: '1 to 64 letters, digits, dots, hyphens and underscores',
})
const Key = Type.String({
  pattern: '^[A-Za-z0-9+/]{43}=$',
  description: '32 bytes in base64',
})
const Input = Type.Object({
  url: CallbackUrl,
  keyid: Type.Optional(KeyId),
  key: Type.Optional(Key),
})
// The private key is not shown.
const Shown = Type.Object({ url: CallbackUrl, keyid: KeyId, public_key: Key })

/** Makes a private key. */
export function newKey(): string {
  return randomBytes(KEY_BYTES).toString('base64')
}

/** Sends everything that is due as one batch. */
export const sendBatch: SendCallbacks<BatchSettings> = async (due, settings, post) => {
  const items = due.map(({ body }) => body).join(',')
  const batch = `B${randomBytes(8).toString('hex').toUpperCase()}`
  const body = `{"batch":"${batch}","items":[${items}]}`
  const delivered = await post({ headers: signatureOf(body, settings), body })
  return due.map(() => delivered)
}

/** Adds `GET` and `PUT /admin/callbacks`. A PUT with another `keyid` and no key makes a key. */
export function addCallbackSettings(
  app: HttpServer,
  callbacks: ConfiguredCallbacks<BatchSettings>,
): void {
  const shown = () => {
    const { url, keyid, key } = callbacks.settings
    return { url, keyid, public_key: publicKeyOf(privateKey(key)) }
  }
  const response = { 200: Shown }
  app.get('/admin/callbacks', { schema: { response } }, (_request, reply) => reply.send(shown()))
  app.put('/admin/callbacks', { schema: { body: Input, response } }, async ({ body }, reply) => {
    const { keyid: present, key: ofPresent } = callbacks.settings
    const { url, keyid = present } = body
    const key = body.key ?? (keyid === present ? ofPresent : newKey())
    await callbacks.configure({ url, keyid, key })
    return reply.send(shown())
  })
}

/** The signature over "<x-timestamp>.<body>". */
function signatureOf(body: string, { keyid, key }: BatchSettings): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / MS_PER_SECOND))
  const signature = sign(null, Buffer.from(`${timestamp}.${body}`), privateKey(key))
  return {
    'x-timestamp': timestamp,
    'x-signature': `keyid=${keyid};ed25519=${signature.toString('base64')}`,
  }
}

function privateKey(key: string): KeyObject {
  const der = Buffer.concat([PKCS8, Buffer.from(key, 'base64')])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

/** The 32 bytes of the public key, in base64. */
function publicKeyOf(key: KeyObject): string {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  return Buffer.from(x, 'base64url').toString('base64')
}
