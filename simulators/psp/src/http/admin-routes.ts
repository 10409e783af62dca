import { Uuid, UuidBound } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage, pageOf, pageQuery } from '@caudal/http/page.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { Type } from 'typebox'
import type { BehaviourStore } from '../behaviour-store.ts'
import { BehaviourSettingsInput, completeSettings } from '../domain/behaviour-settings.ts'
import { type Charge, listCharges, totalCharges } from '../store/list-charges.ts'
import { listRequests, type ReceivedRequest } from '../store/list-requests.ts'

const settings = { 200: BehaviourSettingsInput }
const SETTINGS_LIMIT_BYTES = 1024 * 1024

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
  account_number: Type.String(),
  behaviour: Type.String(),
  delivery: Type.String(),
  at: Type.String(),
})

/** Adds the test interface: charges, received requests and behaviour settings. */
export function addAdminRoutes(
  app: HttpServer,
  { db, behaviours, cursors }: { db: Db; behaviours: BehaviourStore; cursors: Cursors },
): void {
  const chargeCursors = cursors(Uuid)
  const requestCursors = cursors(Type.String())
  app.get(
    '/admin/charges',
    { schema: { querystring: ChargeQuery, response: { 200: pageOf(ChargeItem) } } },
    async (request, reply) => {
      const { limit, payment_id: paymentId = null, after = null } = request.query
      const charges = await listCharges(db, {
        paymentId,
        after: chargeCursors.read(request) ?? after,
        limit: limit + 1,
      })
      const cursorAfter = (charge: Charge) => chargeCursors.write(request, charge.paymentId)
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
    { schema: { querystring: ListQuery, response: { 200: pageOf(RequestItem) } } },
    async (request, reply) => {
      const { limit, payment_id: paymentId = null } = request.query
      const position = requestCursors.read(request)
      const after = position === null ? null : BigInt(position)
      const requests = await listRequests(db, { paymentId, after, limit: limit + 1 })
      const cursorAfter = ({ requestId }: ReceivedRequest) =>
        requestCursors.write(request, String(requestId))
      return reply.send(cutPage(requests, { limit, cursorAfter, show: showRequest }))
    },
  )
  app.get('/admin/behaviour', { schema: { response: settings } }, (_request, reply) =>
    reply.send(behaviours.settings),
  )
  app.put(
    '/admin/behaviour',
    {
      bodyLimit: SETTINGS_LIMIT_BYTES,
      schema: { body: BehaviourSettingsInput, response: settings },
    },
    async ({ body }, reply) => {
      await behaviours.replace(completeSettings(body))
      return reply.send(behaviours.settings)
    },
  )
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
    account_number: request.accountNumber,
    behaviour: request.behaviour,
    delivery: request.delivery,
    at: request.at.toISOString(),
  }
}
