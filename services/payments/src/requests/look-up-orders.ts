import { callService, type TokenSource } from '@caudal/http/call-service.ts'
import { AmountError } from '@caudal/money/amount-error.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import {
  type KnownOrders,
  type OrderToPay,
  ownedOrderOf,
  type PaymentRequest,
} from '../domain/decide-requests.ts'

/** Without control characters, which PostgreSQL and events cannot store. */
const Text = Type.String({ minLength: 1, maxLength: 255, pattern: '^[^\\u0000-\\u001f]+$' })

const OrderView = Type.Object({
  external_order_id: Type.String(),
  tenant_id: Type.String(),
  user_id: Type.String(),
  amount: Type.String(),
  currency: Type.String(),
  service_name: Text,
  service_account_number: Text,
  service_bank_code: Text,
  status: Type.Enum(['UNPAID', 'PAID']),
})
type OrderView = Static<typeof OrderView>

const answerValidator = Compile(Type.Object({ orders: Type.Array(Type.Unknown()) }))
const orderValidator = Compile(OrderView)

/** The identifying members of an order; they are read even if other members are malformed. */
const identityValidator = Compile(
  Type.Pick(OrderView, ['external_order_id', 'tenant_id', 'user_id']),
)

export interface OrderLookupDeps {
  ordersUrl: string
  getToken: TokenSource
  timeoutMs: number
  logger: Logger
}

/**
 * Looks up the orders of a batch in one call of the order service (P2: amount and destination come
 * from it, never from the client). An order that is not in its answer is unknown or belongs to
 * another user. Orders of a failed call and malformed orders are left out and logged.
 */
export async function lookUpOrders(
  deps: OrderLookupDeps,
  wanted: readonly PaymentRequest[],
  traceparent: string,
): Promise<KnownOrders> {
  try {
    const answer = await callService({
      url: deps.ordersUrl,
      path: '/v1/orders/lookup',
      body: {
        orders: wanted.map((request) => ({
          tenant_id: request.tenantId,
          user_id: request.userId,
          external_order_id: request.externalOrderId,
        })),
      },
      getToken: deps.getToken,
      traceparent,
      timeoutMs: deps.timeoutMs,
    })
    if (answer.status === 200 && answerValidator.Check(answer.body)) {
      return readOrders(deps, wanted, answer.body.orders)
    }
    deps.logger.error({ status: answer.status }, 'could not use the answer of the order service')
  } catch (error) {
    deps.logger.warn({ err: error }, 'could not look up orders')
  }
  return new Map()
}

function readOrders(
  { logger }: OrderLookupDeps,
  wanted: readonly PaymentRequest[],
  views: readonly unknown[],
): KnownOrders {
  const orders: KnownOrders = new Map(wanted.map((request) => [ownedOrderOf(request), 'unknown']))
  for (const view of views) {
    if (!identityValidator.Check(view)) continue
    const { external_order_id: externalOrderId, tenant_id: tenantId, user_id: userId } = view
    const owned = ownedOrderOf({ externalOrderId, tenantId, userId })
    const order = orderValidator.Check(view) ? readOrder(view) : undefined
    if (order) orders.set(owned, order)
    else {
      orders.delete(owned)
      logger.error(
        { external_order_id: externalOrderId },
        'the order service sent a malformed order',
      )
    }
  }
  return orders
}

function readOrder(view: OrderView): OrderToPay | undefined {
  try {
    const amountMinor = parseAmount(view.amount, view.currency)
    if (amountMinor <= 0n) return undefined
    return {
      amountMinor,
      currency: view.currency,
      serviceName: view.service_name,
      serviceAccountNumber: view.service_account_number,
      serviceBankCode: view.service_bank_code,
      paid: view.status === 'PAID',
    }
  } catch (error) {
    if (error instanceof AmountError) return undefined
    throw error
  }
}
