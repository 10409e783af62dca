import { Currency } from '@caudal/contracts/currency-schema.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage, pageOf } from '@caudal/http/page.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { Type } from 'typebox'
import { listReturnedMoney, type ReturnedBooks } from '../store/list-moved-money.ts'
import { listQuery } from './list-query.ts'
import type { Movement, MovementKind } from './movement-routes.ts'

/** Money that came back, with the bank's own ids. */
export interface ReturnedMoney extends Omit<Movement, 'reason'> {
  kind: MovementKind
  /** The bank's id of the movement. */
  gatewayId: string
  /** The bank's id of the payment. */
  chargeId: string | null
}

/** A position in the list, which is by payment id and by the order of the bank's decisions. */
export interface ReturnedPosition {
  paymentId: string
  sequence: bigint
}

const Item = Type.Object({
  kind: Type.Enum(['refund', 'void', 'return', 'reversal', 'dispute']),
  movement_id: Uuid,
  payment_id: Uuid,
  refund_id: Type.Union([Uuid, Type.Null()]),
  gateway_id: Type.String(),
  charge_id: Type.Union([Type.String(), Type.Null()]),
  amount: Type.String(),
  currency: Currency,
  at: Type.String(),
})
const Cursor = Type.Object({ paymentId: Uuid, sequence: Type.String() })
const { payment_id: _, ...pageOfList } = listQuery.properties

/** Adds the list of all money that came back, by payment: `caudal verify` reads it. */
export function addReturnedMoneyRoute(
  app: HttpServer,
  { cursors, books }: { cursors: Cursors; books: ReturnedBooks },
): void {
  const positions = cursors(Cursor)
  app.get(
    '/admin/returned-money',
    { schema: { querystring: Type.Object(pageOfList), response: { 200: pageOf(Item) } } },
    async (request, reply) => {
      const { limit } = request.query
      const position = positions.read(request)
      const after = position && { ...position, sequence: BigInt(position.sequence) }
      const moved = await listReturnedMoney(books, { after, limit: limit + 1 })
      const cursorAfter = ({ paymentId, sequence }: ReturnedMoney) =>
        positions.write(request, { paymentId, sequence: String(sequence) })
      return reply.send(cutPage(moved, { limit, cursorAfter, show }))
    },
  )
}

function show(moved: ReturnedMoney) {
  return {
    kind: moved.kind,
    movement_id: moved.movementId,
    payment_id: moved.paymentId,
    refund_id: moved.refundId,
    gateway_id: moved.gatewayId,
    charge_id: moved.chargeId,
    amount: formatAmount(moved.amountMinor, moved.currency),
    currency: moved.currency,
    at: moved.at.toISOString(),
  }
}
