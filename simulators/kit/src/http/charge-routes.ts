import { Uuid, UuidBound } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage, pageOf } from '@caudal/http/page.ts'
import { Type } from 'typebox'
import { type Charge, ChargeItem, showCharge } from './charge-item.ts'
import { listQuery } from './list-query.ts'

/** A position in the list of charges, which is by payment id. */
export interface ChargePosition {
  paymentId: string
  /** null: after all charges of the payment. */
  gatewayTransactionId: string | null
}

/** Which charges to list. */
export interface ChargeFilter {
  paymentId: string | null
  after: ChargePosition | null
  limit: number
}

/** The number of charges, their amounts and a hash of all of them. */
export interface ChargeTotals {
  rows: string
  minor: string
  hash: string
}

const Query = Type.Object({
  ...listQuery.properties,
  // Only charges of payments whose id is greater.
  after: Type.Optional(UuidBound),
})
const TotalsQuery = Type.Object({ to: UuidBound })
const Totals = Type.Object({ rows: Type.String(), minor: Type.String(), hash: Type.String() })

// Releases before refunds wrote only the id.
const Cursor = Type.Union([
  Uuid,
  Type.Object({ paymentId: Uuid, gatewayTransactionId: Type.String() }),
])

/** Adds the list of charges and their totals, as the store of the bank reads them. */
export function addChargeRoutes(
  app: HttpServer,
  {
    cursors,
    list,
    total,
  }: {
    cursors: Cursors
    /** Lists by payment id and transaction id. */
    list(filter: ChargeFilter): Promise<Charge[]>
    /** Totals the charges of payments up to an id. */
    total(to: string): Promise<ChargeTotals>
  },
): void {
  const positions = cursors(Cursor)
  app.get(
    '/admin/charges',
    { schema: { querystring: Query, response: { 200: pageOf(ChargeItem) } } },
    async (request, reply) => {
      const { limit, payment_id: paymentId = null, after = null } = request.query
      const charges = await list({
        paymentId,
        after: positionOf(positions.read(request) ?? after),
        limit: limit + 1,
      })
      const cursorAfter = ({ paymentId: id, gatewayTransactionId }: Charge) =>
        positions.write(request, { paymentId: id, gatewayTransactionId })
      return reply.send(cutPage(charges, { limit, cursorAfter, show: showCharge }))
    },
  )
  app.get(
    '/admin/charge-totals',
    { schema: { querystring: TotalsQuery, response: { 200: Totals } } },
    async ({ query }, reply) => reply.send(await total(query.to)),
  )
}

function positionOf(position: string | ChargePosition | null): ChargePosition | null {
  if (typeof position !== 'string') return position
  return { paymentId: position, gatewayTransactionId: null }
}
