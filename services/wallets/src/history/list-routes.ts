import { TRANSFER_KINDS } from '@caudal/contracts/transfer-kinds.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage, pageOf, pageQuery } from '@caudal/http/page.ts'
import { Problem } from '@caudal/http/problem.ts'
import { type RouteAccess, secured } from '@caudal/http/secured.ts'
import { Type } from 'typebox'
import { HoldAnswer, TransferSummaryAnswer } from './history-schemas.ts'
import type { HoldDetails, HoldPosition, TransferSummary } from './history.ts'
import { showHold, showTransferSummary } from './show-history.ts'
import type { TransferPosition } from './store/list-transfers-by-reference.ts'

/** What the lists of holds and transfers need done. */
export interface ListRouteDeps {
  cursors: Cursors
  listHolds: (query: {
    tenantId: string
    of: { accountId: string } | { paymentId: string }
    after: HoldPosition | null
    limit: number
  }) => Promise<HoldDetails[]>
  listTransfersByReference: (query: {
    tenantId: string
    referenceId: string
    kinds: readonly string[]
    after: TransferPosition | null
    limit: number
  }) => Promise<TransferSummary[]>
}

const HoldCursor = Type.Object({ created_at: Type.String(), hold_key: Uuid })
const holdsSchema = {
  summary: 'The holds of an account, newest first, or the hold of a payment.',
  description: 'Exactly one of `account_id` and `payment_id` is required.',
  querystring: Type.Object({
    ...pageQuery.properties,
    account_id: Type.Optional(Uuid),
    payment_id: Type.Optional(Uuid),
  }),
  response: { 200: pageOf(HoldAnswer) },
  tags: ['history'],
}

/** Adds `GET /v1/holds`. */
export function addHoldsRoute(app: HttpServer, deps: ListRouteDeps, access: RouteAccess): void {
  const cursors = deps.cursors(HoldCursor)
  app.get('/v1/holds', secured(access, holdsSchema), async (request) => {
    const { limit } = request.query
    const { tenantId } = identityOf(request)
    const of = holdsNamedBy(request.query)
    const position = cursors.read(request)
    const after = position && {
      createdAt: new Date(position.created_at),
      holdKey: position.hold_key,
    }
    const rows = await deps.listHolds({ tenantId, of, after, limit: limit + 1 })
    return cutPage(rows, {
      limit,
      cursorAfter: ({ createdAt, holdKey }) =>
        cursors.write(request, { created_at: createdAt.toISOString(), hold_key: holdKey }),
      show: showHold,
    })
  })
}

/** @throws {Problem} unless exactly one of the two is named */
function holdsNamedBy(query: { account_id?: string; payment_id?: string }) {
  const { account_id: accountId, payment_id: paymentId } = query
  if (accountId !== undefined && paymentId === undefined) {
    return { accountId: accountId.toLowerCase() }
  }
  if (paymentId !== undefined && accountId === undefined) {
    return { paymentId: paymentId.toLowerCase() }
  }
  throw new Problem('MALFORMED_REQUEST', 'query: give either account_id or payment_id', {
    members: { param: 'account_id' },
  })
}

/** Release 0.1.0 names the kind alone. */
const TransferCursor = Type.Object({ kind: Type.String(), transfer_id: Type.Optional(Uuid) })
const transfersSchema = {
  summary: 'The transfers with a reference, by kind.',
  description:
    'A reference of clients is unique for each kind; the id of a refund or a return is the ' +
    'reference of what was booked for it. Entries are not included.',
  querystring: Type.Object({
    ...pageQuery.properties,
    reference_id: Type.String({ minLength: 1, maxLength: 255 }),
    kind: Type.Optional(Type.Enum([...TRANSFER_KINDS])),
  }),
  response: { 200: pageOf(TransferSummaryAnswer) },
  tags: ['history'],
}

/** Adds `GET /v1/transfers`. */
export function addTransfersRoute(app: HttpServer, deps: ListRouteDeps, access: RouteAccess): void {
  const cursors = deps.cursors(TransferCursor)
  app.get('/v1/transfers', secured(access, transfersSchema), async (request) => {
    const { limit, reference_id: referenceId, kind } = request.query
    const { tenantId } = identityOf(request)
    const kinds = kind === undefined ? TRANSFER_KINDS : [kind]
    const position = cursors.read(request)
    const after = position && {
      kind: position.kind,
      transferId: position.transfer_id ?? null,
    }
    const query = { tenantId, referenceId, kinds, after, limit: limit + 1 }
    return cutPage(await deps.listTransfersByReference(query), {
      limit,
      cursorAfter: ({ kind: last, transferId }) =>
        cursors.write(request, { kind: last, transfer_id: transferId }),
      show: showTransferSummary,
    })
  })
}
