import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage, pageOf } from '@caudal/http/page.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { ChargeItem, showCharge } from '@caudal/simulator-kit/http/charge-item.ts'
import { listQuery } from '@caudal/simulator-kit/http/list-query.ts'
import { Type } from 'typebox'
import { listCharges, type ListedCharge } from '../store/list-books.ts'

/** Adds `GET /admin/charges`: money that moved. */
export function addChargeRoutes(
  app: HttpServer,
  { db, cursors }: { db: Db; cursors: Cursors },
): void {
  const positions = cursors(Type.String())
  app.get(
    '/admin/charges',
    { schema: { querystring: listQuery, response: { 200: pageOf(ChargeItem) } } },
    async (request, reply) => {
      const { limit, payment_id: paymentId = null } = request.query
      const position = positions.read(request)
      const after = position === null ? null : BigInt(position)
      const charges = await listCharges(db, { paymentId, after, limit: limit + 1 })
      const cursorAfter = ({ sequence }: ListedCharge) => positions.write(request, String(sequence))
      return reply.send(cutPage(charges, { limit, cursorAfter, show: showCharge }))
    },
  )
}
