import { newId } from '@caudal/contracts/ids.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage } from '@caudal/http/page.ts'
import { Problem } from '@caudal/http/problem.ts'
import { secured } from '@caudal/http/secured.ts'
import { tenantFor } from '@caudal/http/tenant-for.ts'
import type { Identity, TokenVerifier } from '@caudal/http/token-verifier.ts'
import { AmountError } from '@caudal/money/amount-error.ts'
import {
  type NewOrder,
  newOrder,
  type Order,
  type OrderInput,
  type OrderKey,
  type OrderStatus,
  viewOrder,
} from '../domain/order.ts'
import {
  createOrdersSchema,
  listOrdersSchema,
  lookupOrdersSchema,
  OrderPosition,
} from './schemas.ts'

/** What the routes need done; the spine brings it. */
export interface OrderRoutesDeps {
  verifier: TokenVerifier
  cursors: Cursors
  /** All orders, or the one whose id belongs to another order. */
  createOrders(orders: NewOrder[]): Promise<{ created: Order[] } | { conflict: NewOrder }>
  findOrders(keys: OrderKey[]): Promise<Order[]>
  listOrders(page: {
    tenantId: string
    userId: string
    status: OrderStatus | null
    after: string | null
    limit: number
  }): Promise<Order[]>
}

const BODY_LIMIT_BYTES = 1024 * 1024

/** Create, look up and list orders (P2, P8). */
export function addOrderRoutes(app: HttpServer, deps: OrderRoutesDeps): void {
  const { verifier } = deps
  const read = { verifier, scope: SCOPE.ordersRead }
  const write = { verifier, scope: SCOPE.ordersWrite }

  app.post(
    '/v1/orders',
    { ...secured(write, createOrdersSchema), bodyLimit: BODY_LIMIT_BYTES },
    async (request, reply) => {
      const wanted = readOrders(request.body.orders, identityOf(request))
      const outcome = await deps.createOrders(wanted)
      if ('conflict' in outcome) throw conflict(outcome.conflict)
      return reply.code(201).send({ orders: outcome.created.map(viewOrder) })
    },
  )

  app.post(
    '/v1/orders/lookup',
    { ...secured(read, lookupOrdersSchema), bodyLimit: BODY_LIMIT_BYTES },
    async (request, reply) => {
      const identity = identityOf(request)
      const keys = request.body.orders.map((order) => orderKey(order, identity))
      const owned = new Set(keys.map(keyText))
      const found = keys.length === 0 ? [] : await deps.findOrders(keys)
      const orders = found.filter((order) => owned.has(keyText(order))).map(viewOrder)
      return reply.send({ orders })
    },
  )

  const cursors = deps.cursors(OrderPosition)
  app.get(
    '/v1/users/:user_id/orders',
    secured({ ...read, unscoped: 'user' }, listOrdersSchema),
    async (request, reply) => {
      const { status, limit, tenant_id: tenantId } = request.query
      const userId = request.params.user_id.toLowerCase()
      const page = {
        tenantId: tenantToRead(identityOf(request), userId, tenantId),
        userId,
        status: status ?? null,
        after: cursors.read(request)?.after ?? null,
        limit: limit + 1,
      }
      const orders = await deps.listOrders(page)
      const cursorAfter = ({ externalOrderId: after }: Order) => cursors.write(request, { after })
      return reply.send(cutPage(orders, { limit, cursorAfter, show: viewOrder }))
    },
  )
}

function readOrders(inputs: readonly OrderInput[], identity: Identity): NewOrder[] {
  const seen = new Set<string>()
  return inputs.map((input, index) => {
    const order = readOrder(input, tenantFor(identity, input.tenant_id), index)
    const id = `${order.tenantId} ${order.externalOrderId}`
    if (seen.has(id)) throw malformed(index, 'external_order_id', 'is there twice')
    seen.add(id)
    return order
  })
}

function readOrder(input: OrderInput, tenantId: string, index: number): NewOrder {
  let order: NewOrder
  try {
    order = newOrder(input, { tenantId, id: newId() })
  } catch (error) {
    if (error instanceof AmountError) throw malformed(index, 'amount', error.message)
    throw error
  }
  if (order.amountMinor <= 0n) throw malformed(index, 'amount', 'must be more than zero')
  return order
}

function orderKey(
  input: { tenant_id: string; user_id: string; external_order_id: string },
  identity: Identity,
): OrderKey {
  return {
    tenantId: tenantFor(identity, input.tenant_id),
    userId: input.user_id.toLowerCase(),
    externalOrderId: input.external_order_id.toLowerCase(),
  }
}

function keyText({ tenantId, userId, externalOrderId }: OrderKey): string {
  return `${tenantId} ${userId} ${externalOrderId}`
}

/** A user sees its own orders; a client those of any user of its tenant. */
function tenantToRead(identity: Identity, userId: string, wanted: string | undefined): string {
  if (identity.kind === 'user' && identity.subject !== userId) throw new Problem('FORBIDDEN')
  return tenantFor(identity, wanted)
}

function malformed(index: number, member: string, reason: string): Problem {
  const param = `orders.${index}.${member}`
  return new Problem('MALFORMED_REQUEST', `body: ${param} ${reason}`, { members: { param } })
}

function conflict(order: NewOrder): Problem {
  const detail = `order ${order.externalOrderId} exists with other contents`
  return new Problem('IDEMPOTENCY_MISMATCH', detail)
}
