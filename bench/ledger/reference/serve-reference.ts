// The process of the reference: the same HTTP server and token check, an ordinary pool, row by row.
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { identityOf, requireToken } from '@caudal/http/authenticate.ts'
import { createServer } from '@caudal/http/create-server.ts'
import { listen } from '@caudal/http/running-service.ts'
import type { Identity } from '@caudal/http/token-verifier.ts'
import { createTokenVerifier } from '@caudal/http/token-verifier.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import pg from 'pg'
import { Type } from 'typebox'
import { postRowByRow, type ReferenceCommand } from './post-row-by-row.ts'

/** The settings that the parent process sends. */
export interface ReferenceSettings {
  databaseUrl: string
  issuer: string
  jwksUrl: string
}

const POOL_CONNECTIONS = 20
const BATCH_BODY_BYTES = 2 * 1024 * 1024
const Amount = Type.Object({ minor_units: Type.Integer(), currency: Type.String() })
const Body = Type.Object({
  account_id: Type.String(),
  reason: Type.String(),
  reference_id: Type.String(),
  amount: Type.Optional(Amount),
  hold_id: Type.Optional(Type.String()),
})
const Batch = Type.Object({
  commands: Type.Array(
    Type.Object({
      command: Type.Literal('debit'),
      idempotency_key: Type.String(),
      ...Body.properties,
    }),
  ),
})
type CommandBody = Type.Static<typeof Body>

async function serve({ databaseUrl, issuer, jwksUrl }: ReferenceSettings): Promise<string> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: POOL_CONNECTIONS })
  const verifier = createTokenVerifier({ issuers: [{ issuer, jwksUrl, audience: 'caudal' }] })
  const logger = createLogger({ service: 'reference', level: 'warn' })
  const app = createServer({ name: 'reference', logger, metrics: createMetrics('reference') })
  const onRequest = [requireToken({ verifier, scope: SCOPE.ledgerWrite })]
  for (const kind of ['debit', 'hold', 'commit'] as const) {
    app.post(`/v1/wallet/${kind}`, { schema: { body: Body }, onRequest }, (request, reply) =>
      postRowByRow(
        pool,
        commandOf(kind, request.body, {
          key: String(request.headers['x-idempotency-key']),
          identity: identityOf(request),
        }),
      ).then((body) => reply.header('content-type', 'application/json').send(Buffer.from(body))),
    )
  }
  const options = { schema: { body: Batch }, onRequest, bodyLimit: BATCH_BODY_BYTES }
  app.post('/v1/batch', options, async (request, reply) => {
    const parts: string[] = []
    for (const { command, idempotency_key: key, ...body } of request.body.commands) {
      const identity = identityOf(request)
      const answer = await postRowByRow(pool, commandOf(command, body, { key, identity }))
      parts.push(`{"status":200,"body":${answer}}`)
    }
    const body = Buffer.from(`{"results":[${parts.join(',')}]}`)
    return reply.header('content-type', 'application/json').send(body)
  })
  return listen(app, { host: '127.0.0.1', port: 0 })
}

function commandOf(
  kind: ReferenceCommand['kind'],
  body: CommandBody,
  { key, identity }: { key: string; identity: Identity },
): ReferenceCommand {
  return {
    kind,
    tenantId: identity.tenantId,
    clientId: identity.subject,
    key,
    accountId: body.account_id,
    referenceId: body.reference_id,
    reason: body.reason,
    amountMinor: body.amount?.minor_units ?? 1,
    currency: body.amount?.currency ?? 'USD',
    holdId: body.hold_id ?? null,
  }
}

process.once('message', (settings: ReferenceSettings) => {
  serve(settings).then(
    (url) => process.send!({ url }),
    (error: unknown) => process.send!({ error: String(error) }),
  )
})
