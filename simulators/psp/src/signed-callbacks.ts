import { createHmac } from 'node:crypto'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { Problem } from '@caudal/http/problem.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { postCallback } from '@caudal/simulator-kit/callbacks/post-callback.ts'
import { type Callbacks, startCallbacks } from '@caudal/simulator-kit/callbacks/start-callbacks.ts'
import { CallbackUrl } from '@caudal/simulator-kit/http/callback-routes.ts'
import { CALLBACK_SETTINGS, openSettings } from '@caudal/simulator-kit/settings-table.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { Type } from 'typebox'

/** Where callbacks go and what signs them; each secret makes a signature of its own. */
export interface CallbackSettings {
  url: string | null
  secrets: string[]
}

/** The callbacks of this bank, and the routes of their settings. */
export interface SignedCallbacks extends Callbacks {
  addRoutes(app: HttpServer): void
}

const MS_PER_SECOND = 1_000
const MOST_SECRETS = 5
const Secret = Type.String({
  pattern: '^[\\u0021-\\u007e]{8,200}$',
  description: '8 to 200 printable characters',
})
const Input = Type.Object({
  url: CallbackUrl,
  secret: Type.Optional(Secret),
  secrets: Type.Optional(Type.Array(Secret, { minItems: 1, maxItems: MOST_SECRETS })),
})
// Secrets are not shown again.
const Shown = Type.Object({ url: CallbackUrl, secrets: Type.Integer() })

/** Opens the stored settings, or `fallback` before the first PUT, and starts to send. */
export async function openSignedCallbacks(deps: {
  db: Db
  fallback: CallbackSettings
  logger: Logger
}): Promise<SignedCallbacks> {
  const { db, fallback, logger } = deps
  const settings = await openSettings(db, CALLBACK_SETTINGS, {
    fallback,
    onChange: () => callbacks.wake(),
  })
  const callbacks = startCallbacks({
    db,
    isEnabled: () => settings.current.url !== null,
    logger,
    send: (due, signal) => {
      const { url, secrets } = settings.current
      return Promise.all(
        due.map(async ({ body }) => {
          if (url === null) return false
          const headers = { 'x-gateway-signature': signatureOf(body, secrets) }
          return postCallback(url, { headers, body }, signal)
        }),
      )
    },
  })
  const shown = () => ({ url: settings.current.url, secrets: settings.current.secrets.length })
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
        async ({ body: { url, secret, secrets } }, reply) => {
          const given = secrets ?? (secret === undefined ? settings.current.secrets : [secret])
          if (url !== null && given.length === 0) throw withoutSecret()
          await settings.replace({ url, secrets: given })
          return reply.send(shown())
        },
      )
    },
  }
}

function withoutSecret(): Problem {
  const param = 'secret'
  return new Problem('MALFORMED_REQUEST', 'body: secret is required', { members: { param } })
}

/** `t=<unix seconds>,v1=<hex>` with one v1 for each secret, over "<t>.<body>". */
function signatureOf(body: string, secrets: readonly string[]): string {
  const seconds = Math.floor(Date.now() / MS_PER_SECOND)
  const signed = secrets.map(
    (secret) => `v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`,
  )
  return [`t=${seconds}`, ...signed].join(',')
}
