import type { NamedPayment } from '@caudal/contracts/payment-steps.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { findParkedAbout } from '@caudal/event-log/find-parked-about.ts'
import { formatRecordId } from '@caudal/event-log/format-record-id.ts'
import { PARK_KINDS } from '@caudal/event-log/park-error.ts'
import type { ParkedEntry } from '@caudal/event-log/parked-list.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { secured } from '@caudal/http/secured.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { Type } from 'typebox'

/** What a service does next for a payment, and when. */
export type DueStep = { step: string; at: string }

/** What the route needs; `findNext` is for a service that has a due step of its own. */
export interface WaitsRouteDeps {
  verifier: TokenVerifier
  db: Db
  /** The service's name, which is that of its consumer group. */
  name: string
  findNext?: (payment: NamedPayment) => Promise<DueStep | undefined>
}

const Time = Type.String({ format: 'date-time' })
const ParkedView = Type.Object({
  record_id: Type.String({ description: 'As the commands of `caudal dlq` take it.' }),
  kind: Type.Enum([...PARK_KINDS]),
  cause: Type.String(),
  attempts: Type.Integer(),
  parked_at: Time,
  next_attempt_at: Type.Union([Time, Type.Null()]),
})
const schema = {
  summary: 'Why a payment waits at this service',
  description:
    'The open parked records of the payment, each with the earlier record of its order key for ' +
    'which it waits, and the next step of the service.',
  params: Type.Object({ payment_id: Uuid }),
  querystring: Type.Object({
    account_id: Type.Optional(
      Type.String({
        format: 'uuid',
        description: "The payment's account: wallets keeps the holds of an account in order.",
      }),
    ),
  }),
  response: {
    200: Type.Object({
      parked: Type.Array(
        Type.Object({
          ...ParkedView.properties,
          behind: Type.Union([ParkedView, Type.Null()]),
        }),
      ),
      next: Type.Union([Type.Object({ step: Type.String(), at: Time }), Type.Null()]),
    }),
  },
  tags: ['internal'],
}

/** Adds `GET /internal/payments/{payment_id}/waits`: what keeps a payment waiting here (P11). */
export function addWaitsRoute(app: HttpServer, deps: WaitsRouteDeps): void {
  const { verifier, db, name, findNext } = deps
  const options = secured({ verifier, scope: SCOPE.traceRead }, schema)
  app.get('/internal/payments/:payment_id/waits', options, async (request) => {
    const { tenantId } = identityOf(request)
    const paymentId = request.params.payment_id.toLowerCase()
    const { account_id: accountId } = request.query
    const keys = [paymentId, ...(accountId === undefined ? [] : [accountId.toLowerCase()])]
    const found = await findParkedAbout(db, name, { about: paymentId, keys })
    const own = found.filter(({ value }) => isOf(value, tenantId))
    const view = (entry: ParkedEntry) => viewParked(name, entry)
    return {
      parked: own.map(({ record, ahead }) => ({
        ...view(record),
        behind: ahead === undefined ? null : view(ahead),
      })),
      next: (await findNext?.({ tenantId, paymentId })) ?? null,
    }
  })
}

/** A client sees the records of its tenant, and damaged ones, which name no tenant. */
function isOf(value: string, tenantId: string): boolean {
  try {
    const { tenant_id: named } = JSON.parse(value) as { tenant_id?: unknown }
    return typeof named !== 'string' || named === tenantId
  } catch {
    return true
  }
}

function viewParked(name: string, entry: ParkedEntry) {
  return {
    record_id: formatRecordId(name, entry),
    kind: entry.kind,
    cause: entry.cause,
    attempts: entry.attempts,
    parked_at: entry.parkedAt.toISOString(),
    next_attempt_at: entry.kind === 'unprocessable' ? null : entry.nextAttemptAt.toISOString(),
  }
}
