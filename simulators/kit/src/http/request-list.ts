import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { Type } from 'typebox'
import type { Operation } from '../behaviour-settings.ts'
import { addSequenceList } from './add-sequence-list.ts'
import { listQuery } from './list-query.ts'

/** A request that a bank received. */
export interface ListedRequest {
  requestId: bigint
  /** Absent where it is the payment. */
  operationId?: string
  paymentId: string | null
  accountNumber: string
  behaviour: string
  delivery: string
  at: Date
}

type ListRequests = (
  operation: Operation,
  filter: { paymentId: string | null; after: bigint | null; limit: number },
) => Promise<ListedRequest[]>

const Query = Type.Object({
  ...listQuery.properties,
  operation: Type.Optional(Type.Enum(['pay', 'refund', 'void', 'payout', 'query'])),
})
const Item = Type.Object({
  request_id: Type.String(),
  payment_id: Type.Union([Uuid, Type.Null()]),
  operation_id: Type.Optional(Uuid),
  account_number: Type.String(),
  behaviour: Type.String(),
  delivery: Type.String(),
  at: Type.String(),
})

/** Adds `GET /admin/requests`: what the bank was asked, and how it responded. */
export function addRequestList(
  app: HttpServer,
  { cursors, list }: { cursors: Cursors; list: ListRequests },
): void {
  addSequenceList<ListedRequest>(app, '/admin/requests', {
    cursors,
    query: Query,
    item: Item,
    list: ({ payment_id: paymentId = null, operation = 'pay' }, page) =>
      list(operation as Operation, { paymentId, ...page }),
    positionOf: ({ requestId }) => requestId,
    show,
  })
}

function show(request: ListedRequest) {
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
