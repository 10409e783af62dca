import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { postCallback } from '@caudal/simulator-kit/callbacks/post-callback.ts'
import { type Callbacks, startCallbacks } from '@caudal/simulator-kit/callbacks/start-callbacks.ts'
import { CallbackUrl } from '@caudal/simulator-kit/http/callback-routes.ts'
import { CALLBACK_SETTINGS, openSettings } from '@caudal/simulator-kit/settings-table.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { Type } from 'typebox'

/** Where callbacks go and the Ed25519 key that signs them. */
export interface BatchSettings {
  url: string | null
  keyid: string
  /** The private key, 32 bytes in base64. */
  key: string
}

/** The callbacks of this bank, and the routes of their settings. */
export interface SignedBatches extends Callbacks {
  addRoutes(app: HttpServer): void
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

/**
 * Opens the stored settings, or `fallback` before the first PUT, and starts to send. A PUT with
 * another `keyid` and no key makes a key.
 */
export async function openSignedBatches(deps: {
  db: Db
  fallback: BatchSettings
  logger: Logger
}): Promise<SignedBatches> {
  const { db, fallback, logger } = deps
  const settings = await openSettings(db, CALLBACK_SETTINGS, {
    fallback,
    onChange: () => callbacks.wake(),
  })
  const callbacks = startCallbacks({
    db,
    isEnabled: () => settings.current.url !== null,
    logger,
    send: async (due, signal) => {
      const { url } = settings.current
      const items = due.map(({ body }) => body).join(',')
      const batch = `B${randomBytes(8).toString('hex').toUpperCase()}`
      const body = `{"batch":"${batch}","items":[${items}]}`
      const headers = signatureOf(body, settings.current)
      const delivered = url !== null && (await postCallback(url, { headers, body }, signal))
      return due.map(() => delivered)
    },
  })
  const shown = () => {
    const { url, keyid, key } = settings.current
    return { url, keyid, public_key: publicKeyOf(privateKey(key)) }
  }
  return {
    ...callbacks,
    get enabled() {
      return callbacks.enabled
    },
    addRoutes(app) {
      app.get('/admin/callbacks', { schema: { response: { 200: Shown } } }, (_request, reply) =>
        reply.send(shown()),
      )
      app.put(
        '/admin/callbacks',
        { schema: { body: Input, response: { 200: Shown } } },
        async ({ body }, reply) => {
          const { url, keyid = settings.current.keyid } = body
          const kept = keyid === settings.current.keyid ? settings.current.key : newKey()
          await settings.replace({ url, keyid, key: body.key ?? kept })
          return reply.send(shown())
        },
      )
    },
  }
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
