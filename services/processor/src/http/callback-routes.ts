import { factIdOf } from '@caudal/contracts/ids.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage, pageOf, pageQuery } from '@caudal/http/page.ts'
import { Problem } from '@caudal/http/problem.ts'
import { secured } from '@caudal/http/secured.ts'
import { isForEveryTenant } from '@caudal/http/tenant-for.ts'
import type { Identity } from '@caudal/http/token-profile.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import { Type } from 'typebox'
import type { NamedAccount } from '../domain/accounts-of-tenant.ts'

/** Callbacks are of accounts at PSPs, which several tenants may share. */
const OF_TENANT =
  'Those of accounts at PSPs that speak for the tenant alone; ' +
  `with ${SCOPE.tenantsAny} those of all accounts.`

const STATES = ['RECEIVED', 'APPLIED', 'NO_CHANGE', 'PARKED', 'CONTRADICTION'] as const
const State = Type.Enum(STATES)
const TextOrNull = Type.Union([Type.String(), Type.Null()])
const UuidOrNull = Type.Union([Uuid, Type.Null()])

const FactView = Type.Object({
  /** The subject of the fact's case. */
  fact_id: Uuid,
  key: Type.String(),
  state: State,
  cause: TextOrNull,
  kind: Type.String(),
  reported: Type.String(),
  payment_id: UuidOrNull,
  operation_id: UuidOrNull,
  psp_operation_id: TextOrNull,
})
const CallbackView = Type.Object({
  callback_id: Uuid,
  psp: Type.String(),
  psp_account: Type.String(),
  state: State,
  received_at: Type.String(),
  finished_at: TextOrNull,
  facts: Type.Array(FactView),
})

const listSchema = {
  summary: 'List callbacks of PSPs, newest first',
  description: OF_TENANT,
  querystring: Type.Object({ ...pageQuery.properties, state: Type.Optional(State) }),
  response: { 200: pageOf(CallbackView) },
  tags: ['callbacks'],
}
const reprocessSchema = {
  summary: 'Apply the facts of a callback again that were not applied',
  description: OF_TENANT,
  params: Type.Object({ callback_id: Uuid }),
  response: { 202: Type.Object({ callback_id: Uuid }) },
  problems: ['CALLBACK_NOT_FOUND'] as const,
  tags: ['callbacks'],
}

/** A callback of the list; its facts are as they were read. */
export type ShownCallback = {
  callback_id: string
  psp: string
  psp_account: string
  state: string
  received_at: Date
  finished_at: Date | null
  facts: readonly {
    key: string
    state: string
    cause: string | null
    payment_id: string | null
    fact: { kind: string; state: string; ourId: string | null; itsId: string | null }
  }[]
}

/** Of which accounts callbacks may be; null: of all. */
type Accounts = readonly NamedAccount[] | null

export type CallbackRoutesDeps = {
  verifier: TokenVerifier
  cursors: Cursors
  list: (filter: {
    state: string | null
    before: string | null
    limit: number
    accounts: Accounts
  }) => Promise<ShownCallback[]>
  /** Returns whether there is such a callback. */
  reprocess: (callbackId: string, accounts: Accounts) => Promise<boolean>
  /** The accounts that speak for the tenant alone. */
  accountsOf: (tenantId: string) => readonly NamedAccount[]
}

/** Adds `GET /v1/callbacks` and `POST /v1/callbacks/{callback_id}/reprocess`, for operators. */
export function addCallbackRoutes(
  app: HttpServer,
  { verifier, cursors, list, reprocess, accountsOf }: CallbackRoutesDeps,
): void {
  const accountsFor = (identity: Identity): Accounts =>
    isForEveryTenant(identity) ? null : accountsOf(identity.tenantId)
  const positions = cursors(Uuid)
  const reading = secured({ verifier, scope: SCOPE.callbacksRead }, listSchema)
  app.get('/v1/callbacks', reading, async (request, reply) => {
    const { limit, state = null } = request.query
    const accounts = accountsFor(identityOf(request))
    const before = positions.read(request)
    const callbacks = await list({ state, before, limit: limit + 1, accounts })
    const cursorAfter = ({ callback_id: id }: ShownCallback) => positions.write(request, id)
    return reply.send(cutPage(callbacks, { limit, cursorAfter, show }))
  })
  const writing = secured({ verifier, scope: SCOPE.callbacksWrite }, reprocessSchema)
  app.post('/v1/callbacks/:callback_id/reprocess', writing, async (request, reply) => {
    const accounts = accountsFor(identityOf(request))
    const callbackId = request.params.callback_id.toLowerCase()
    if (!(await reprocess(callbackId, accounts))) throw new Problem('CALLBACK_NOT_FOUND')
    return reply.code(202).send({ callback_id: callbackId })
  })
}

function show({ received_at: receivedAt, finished_at: finishedAt, ...callback }: ShownCallback) {
  return {
    ...callback,
    received_at: receivedAt.toISOString(),
    finished_at: finishedAt?.toISOString() ?? null,
    facts: callback.facts.map(({ fact, ...stored }) => ({
      fact_id: factIdOf(callback.psp, callback.psp_account, stored.key),
      ...stored,
      kind: fact.kind,
      reported: fact.state,
      operation_id: fact.ourId,
      psp_operation_id: fact.itsId,
    })),
  }
}
