import { Uuid, UuidBound } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage, pageOf } from '@caudal/http/page.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type Charge, ChargeItem, showCharge } from '@caudal/simulator-kit/http/charge-item.ts'
import { listQuery } from '@caudal/simulator-kit/http/list-query.ts'
import { Type } from 'typebox'
import { type ChargePosition, listCharges, totalCharges } from '../store/list-charges.ts'

const ChargeQuery = Type.Object({
  ...listQuery.properties,
  // Only charges of payments whose id is greater.
  after: Type.Optional(UuidBound),
})
const TotalsQuery = Type.Object({ to: UuidBound })
const Totals = Type.Object({ rows: Type.String(), minor: Type.String(), hash: Type.String() })

// Releases before refunds wrote only the id.
const ChargeCursor = Type.Union([
  Uuid,
  Type.Object({ paymentId: Uuid, gatewayTransactionId: Uuid }),
])

/** Adds the list of charges and their totals. */
export function addChargeRoutes(
  app: HttpServer,
  { db, cursors }: { db: Db; cursors: Cursors },
): void {
  const positions = cursors(ChargeCursor)
  app.get(
    '/admin/charges',
    { schema: { querystring: ChargeQuery, response: { 200: pageOf(ChargeItem) } } },
    async (request, reply) => {
      const { limit, payment_id: paymentId = null, after = null } = request.query
      const charges = await listCharges(db, {
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
    async ({ query }, reply) => reply.send(await totalCharges(db, query.to)),
  )
}

function positionOf(position: string | ChargePosition | null): ChargePosition | null {
  if (typeof position !== 'string') return position
  return { paymentId: position, gatewayTransactionId: null }
}
