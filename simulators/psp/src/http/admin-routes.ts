import { Uuid, UuidBound } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage, pageOf, pageQuery } from '@caudal/http/page.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { Type } from 'typebox'
import {
  type Charge,
  type ChargePosition,
  listCharges,
  totalCharges,
} from '../store/list-charges.ts'
import {
  listOperationRequests,
  listRequests,
  type ReceivedRequest,
} from '../store/list-requests.ts'

const ListQuery = Type.Object({
  ...pageQuery.properties,
  // `caudal verify` reads every charge, so pages may be large.
  limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
  payment_id: Type.Optional(Uuid),
})

const ChargeQuery = Type.Object({
  ...ListQuery.properties,
  // Only charges of payments whose id is greater.
  after: Type.Optional(UuidBound),
})
const RequestQuery = Type.Object({
  ...ListQuery.properties,
  operation: Type.Optional(Type.Enum(['pay', 'refund', 'void', 'query'])),
})
const TotalsQuery = Type.Object({ to: UuidBound })
const Totals = Type.Object({ rows: Type.String(), minor: Type.String(), hash: Type.String() })

const ChargeItem = Type.Object({
  payment_id: Uuid,
  gateway_transaction_id: Uuid,
  amount: Type.String(),
  currency: Type.String(),
  account_number: Type.String(),
  at: Type.String(),
})
const RequestItem = Type.Object({
  request_id: Type.String(),
  payment_id: Uuid,
  operation_id: Type.Optional(Uuid),
  account_number: Type.String(),
  behaviour: Type.String(),
  delivery: Type.String(),
  at: Type.String(),
})

// Releases before refunds wrote only the id.
const ChargeCursor = Type.Union([
  Uuid,
  Type.Object({ paymentId: Uuid, gatewayTransactionId: Uuid }),
])

/** Adds the lists of charges and of received requests. */
export function addAdminRoutes(
  app: HttpServer,
  { db, cursors }: { db: Db; cursors: Cursors },
): void {
  const chargeCursors = cursors(ChargeCursor)
  const requestCursors = cursors(Type.String())
  app.get(
    '/admin/charges',
    { schema: { querystring: ChargeQuery, response: { 200: pageOf(ChargeItem) } } },
    async (request, reply) => {
      const { limit, payment_id: paymentId = null, after = null } = request.query
      const charges = await listCharges(db, {
        paymentId,
        after: positionOf(chargeCursors.read(request) ?? after),
        limit: limit + 1,
      })
      const cursorAfter = ({ paymentId: id, gatewayTransactionId }: Charge) =>
        chargeCursors.write(request, { paymentId: id, gatewayTransactionId })
      return reply.send(cutPage(charges, { limit, cursorAfter, show: showCharge }))
    },
  )
  app.get(
    '/admin/charge-totals',
    { schema: { querystring: TotalsQuery, response: { 200: Totals } } },
    async ({ query }, reply) => reply.send(await totalCharges(db, query.to)),
  )
  app.get(
    '/admin/requests',
    { schema: { querystring: RequestQuery, response: { 200: pageOf(RequestItem) } } },
    async (request, reply) => {
      const { limit, payment_id: paymentId = null, operation = 'pay' } = request.query
      const position = requestCursors.read(request)
      const after = position === null ? null : BigInt(position)
      const filter = { paymentId, after, limit: limit + 1 }
      const requests =
        operation === 'pay'
          ? await listRequests(db, filter)
          : await listOperationRequests(db, operation, filter)
      const cursorAfter = ({ requestId }: ReceivedRequest) =>
        requestCursors.write(request, String(requestId))
      return reply.send(cutPage(requests, { limit, cursorAfter, show: showRequest }))
    },
  )
}

function positionOf(position: string | ChargePosition | null): ChargePosition | null {
  if (typeof position !== 'string') return position
  return { paymentId: position, gatewayTransactionId: null }
}

function showCharge(charge: Charge) {
  return {
    payment_id: charge.paymentId,
    gateway_transaction_id: charge.gatewayTransactionId,
    amount: formatAmount(charge.amountMinor, charge.currency),
    currency: charge.currency,
    account_number: charge.accountNumber,
    at: charge.at.toISOString(),
  }
}

function showRequest(request: ReceivedRequest) {
  return {
    request_id: String(request.requestId),
    payment_id: request.paymentId,
    ...(request.operationId !== undefined && { operation_id: request.operationId }),
    account_number: request.accountNumber,
    behaviour: request.behaviour,
    delivery: request.delivery,
    at: request.at.toISOString(),
  }
}
