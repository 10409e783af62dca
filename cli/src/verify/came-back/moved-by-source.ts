import { disputeIdOf, foundRefundIdOf, returnIdOf, reversalIdOf } from '@caudal/contracts/ids.ts'
import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import type { Moved } from './rows.ts'
import type { PaymentBooks } from './walk-payment-books.ts'

/** Money that came back, by the refund or return of ours that it is. */
export type MovedBySource = {
  /** What was refunded, by the id of the refund. */
  refunds: Map<string, Moved[]>
  /** What the bank took back of a refund, by its id. */
  reversals: Map<string, Moved[]>
  /** What came back unasked, lost disputes too, by the id of the return. */
  returns: Map<string, Moved[]>
}

/**
 * Finds what each movement at a bank is to us. A refund and a void have the id of an operation;
 * what we did not ask for has an id that is made from the bank's. So has an operation that the bank
 * carried out late, after another one had taken its place.
 */
export function movedBySource(books: PaymentBooks): MovedBySource {
  const { payment, operations, moved } = books
  const requests = new Map(operations.map((it) => [it.operation_id, it.request_id]))
  const foundIds = new Set([...books.refunds, ...books.found].map((it) => it.refund_id))
  const found: MovedBySource = { refunds: new Map(), reversals: new Map(), returns: new Map() }
  for (const one of moved) {
    const psp = one.bank === 'psp' ? (payment?.psp ?? DEFAULT_PSP) : one.bank
    const { kind, movement_id: id, refund_id: refundId, gateway_id: gatewayId } = one
    if (kind === 'return') {
      put(found.returns, returnIdOf(psp, gatewayId), one)
    } else if (kind === 'dispute') {
      put(found.returns, disputeIdOf(psp, gatewayId), one)
    } else if (kind === 'reversal' && refundId === null) {
      put(found.returns, reversalIdOf(psp, one.charge_id ?? gatewayId), one)
    } else {
      const foundId = foundRefundIdOf(psp, gatewayId)
      const source = foundIds.has(foundId) ? foundId : (requests.get(refundId ?? id) ?? foundId)
      put(kind === 'reversal' ? found.reversals : found.refunds, source, one)
    }
  }
  return found
}

function put(groups: Map<string, Moved[]>, id: string, one: Moved): void {
  const group = groups.get(id)
  if (group) group.push(one)
  else groups.set(id, [one])
}
