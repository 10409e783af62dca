import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { cursorReader, cutPage, pageOf, pageQuery } from '@caudal/http/page.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { Type } from 'typebox'
import type { BehaviourStore } from '../behaviour-store.ts'
import { BehaviourSettingsInput, completeSettings } from '../domain/behaviour-settings.ts'
import { type Charge, listCharges } from '../store/list-charges.ts'
import { listRequests, type ReceivedRequest } from '../store/list-requests.ts'

const SETTINGS_LIMIT_BYTES = 1024 * 1024

const ListQuery = Type.Object({
  ...pageQuery.properties,
  // `caudal verify` reads every charge, so pages may be large.
  limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
  payment_id: Type.Optional(Uuid),
})

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

const readChargeCursor = cursorReader(Uuid)
const readRequestCursor = cursorReader(Type.String({ pattern: '^\\d{1,18}$' }))

/** Adds the test interface: charges, received requests and behaviour settings. */
export function addAdminRoutes(
  app: HttpServer,
  { db, behaviours }: { db: Db; behaviours: BehaviourStore },
): void {
  app.get(
    '/admin/charges',
    { schema: { querystring: ListQuery, response: { 200: pageOf(ChargeItem) } } },
    async ({ query }, reply) => {
      const { limit, cursor } = query
      const charges = await listCharges(db, {
        paymentId: query.payment_id ?? null,
        after: cursor === undefined ? null : readChargeCursor(cursor),
        limit: limit + 1,
      })
      const positionOf = (charge: Charge) => charge.paymentId
      return reply.send(cutPage(charges, { limit, positionOf, show: showCharge }))
    },
  )
  app.get(
    '/admin/requests',
    { schema: { querystring: ListQuery, response: { 200: pageOf(RequestItem) } } },
    async ({ query }, reply) => {
      const { limit, cursor } = query
      const requests = await listRequests(db, {
        paymentId: query.payment_id ?? null,
        after: cursor === undefined ? null : BigInt(readRequestCursor(cursor)),
        limit: limit + 1,
      })
      const positionOf = (request: ReceivedRequest) => String(request.requestId)
      return reply.send(cutPage(requests, { limit, positionOf, show: showRequest }))
    },
  )
  app.get('/admin/behaviour', (_request, reply) => reply.send(behaviours.settings))
  app.put(
    '/admin/behaviour',
    { bodyLimit: SETTINGS_LIMIT_BYTES, schema: { body: BehaviourSettingsInput } },
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
