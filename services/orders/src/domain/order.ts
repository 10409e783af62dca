import { formatAmount } from '@caudal/money/format-amount.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'

export const ORDER_STATUSES = ['UNPAID', 'PAID'] as const
export type OrderStatus = (typeof ORDER_STATUSES)[number]

/** Which order, of whom: the only name of an order outside this service. */
export type OrderKey = { tenantId: string; userId: string; externalOrderId: string }

/** An order to be created; the amount is in minor units of its currency. */
export type NewOrder = OrderKey & {
  amountMinor: bigint
  currency: string
  serviceName: string
  serviceAccountNumber: string
  serviceBankCode: string
}

export type Order = NewOrder & { status: OrderStatus; createdAt: Date }

/** An order as the HTTP interface writes it; amounts are decimal strings. */
export type OrderView = {
  external_order_id: string
  tenant_id: string
  user_id: string
  amount: string
  currency: string
  service_name: string
  service_account_number: string
  service_bank_code: string
  status: OrderStatus
  created_at: string
}

export type OrderInput = Omit<
  OrderView,
  'external_order_id' | 'tenant_id' | 'status' | 'created_at'
> & {
  external_order_id?: string
  tenant_id?: string
}

/**
 * The order that the input describes. UUIDs are kept in lower case, so that both spellings name the
 * same order.
 *
 * @throws {AmountError} when the amount does not fit its currency
 */
export function newOrder(input: OrderInput, fallback: { tenantId: string; id: string }): NewOrder {
  return {
    tenantId: input.tenant_id ?? fallback.tenantId,
    userId: input.user_id.toLowerCase(),
    externalOrderId: (input.external_order_id ?? fallback.id).toLowerCase(),
    amountMinor: parseAmount(input.amount, input.currency),
    currency: input.currency,
    serviceName: input.service_name,
    serviceAccountNumber: input.service_account_number,
    serviceBankCode: input.service_bank_code,
  }
}

/** The unique key of an order as a text: its tenant and external id. */
export function externalKeyOf({
  tenantId,
  externalOrderId,
}: Pick<OrderKey, 'tenantId' | 'externalOrderId'>): string {
  return `${tenantId} ${externalOrderId}`
}

/** Whether both describe the same purchase: a repeat of a request, not another one under its id. */
export function isSameOrder(one: NewOrder, other: NewOrder): boolean {
  return (
    one.tenantId === other.tenantId &&
    one.userId === other.userId &&
    one.externalOrderId === other.externalOrderId &&
    one.amountMinor === other.amountMinor &&
    one.currency === other.currency &&
    one.serviceName === other.serviceName &&
    one.serviceAccountNumber === other.serviceAccountNumber &&
    one.serviceBankCode === other.serviceBankCode
  )
}

/** The order as others see it; the serial id is not a part of `Order`, so it cannot slip out. */
export function viewOrder(order: Order): OrderView {
  return {
    external_order_id: order.externalOrderId,
    tenant_id: order.tenantId,
    user_id: order.userId,
    amount: formatAmount(order.amountMinor, order.currency),
    currency: order.currency,
    service_name: order.serviceName,
    service_account_number: order.serviceAccountNumber,
    service_bank_code: order.serviceBankCode,
    status: order.status,
    created_at: order.createdAt.toISOString(),
  }
}
