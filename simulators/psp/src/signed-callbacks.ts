import { createHmac } from 'node:crypto'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { Problem } from '@caudal/http/problem.ts'
import type {
  ConfiguredCallbacks,
  SendCallbacks,
} from '@caudal/simulator-kit/callbacks/start-callbacks.ts'
import { CallbackUrl } from '@caudal/simulator-kit/http/callback-routes.ts'
import { Type } from 'typebox'

/** Where callbacks go and what signs them; each secret makes a signature of its own. */
export interface CallbackSettings {
  url: string | null
  secrets: string[]
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

/** Sends each callback by itself, with a signature for each secret. */
export const sendSigned: SendCallbacks<CallbackSettings> = (due, { secrets }, post) =>
  Promise.all(
    due.map(({ body }) => {
      const headers = { 'x-gateway-signature': signatureOf(body, secrets) }
      return post({ headers, body })
    }),
  )

/** Adds `GET` and `PUT /admin/callbacks`. */
export function addCallbackSettings(
  app: HttpServer,
  callbacks: ConfiguredCallbacks<CallbackSettings>,
): void {
  const shown = () => {
    const { url, secrets } = callbacks.settings
    return { url, secrets: secrets.length }
  }
  const response = { 200: Shown }
  app.get('/admin/callbacks', { schema: { response } }, (_request, reply) => reply.send(shown()))
  app.put('/admin/callbacks', { schema: { body: Input, response } }, async ({ body }, reply) => {
    const { url, secret, secrets } = body
    const given = secrets ?? (secret === undefined ? callbacks.settings.secrets : [secret])
    if (url !== null && given.length === 0) throw withoutSecret()
    await callbacks.configure({ url, secrets: given })
    return reply.send(shown())
  })
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
