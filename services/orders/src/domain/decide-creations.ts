import { isSameOrder, externalKeyOf, type NewOrder } from './order.ts'

/** What becomes of a request to create orders: all of them, or none because of this one. */
export type CreationDecision = { kind: 'accepted' } | { kind: 'conflict'; order: NewOrder }

export interface CreationDecisions {
  /** In the order of the requests. */
  decisions: CreationDecision[]
  /** Orders that do not exist yet, each once. */
  fresh: NewOrder[]
}

/**
 * Decides requests to create orders, one after the other, on the orders that exist. The external id
 * is the key of the operation (F2): the same order again is a repeat, the same id with other
 * contents a conflict, which refuses its whole request and no other.
 */
export function decideCreations(
  requests: readonly (readonly NewOrder[])[],
  existing: readonly NewOrder[],
): CreationDecisions {
  const known = new Map(existing.map((order) => [externalKeyOf(order), order]))
  const fresh: NewOrder[] = []
  const decisions = requests.map((orders): CreationDecision => {
    const conflict = orders.find((order) => {
      const found = known.get(externalKeyOf(order))
      return found !== undefined && !isSameOrder(order, found)
    })
    if (conflict !== undefined) return { kind: 'conflict', order: conflict }
    for (const order of orders) {
      if (known.has(externalKeyOf(order))) continue
      known.set(externalKeyOf(order), order)
      fresh.push(order)
    }
    return { kind: 'accepted' }
  })
  return { decisions, fresh }
}
