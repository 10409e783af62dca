import { AMOUNTS_BY_CURRENCY, Currency } from '@caudal/contracts/currency-schema.ts'
import { TenantId } from '@caudal/contracts/tenant-schema.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { pageOf, pageQuery } from '@caudal/http/page.ts'
import { Type } from 'typebox'
import { ORDER_STATUSES } from '../domain/order.ts'

const MAX_ORDERS = 1_000

/** What payments and events could not carry is not taken. */
const Text = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: '^[^\\u0000-\\u001f]+$',
  description: '1 to 255 characters, none of them a control character',
})
const Amount = Type.String({
  pattern: '^(0|[1-9][0-9]{0,18})(\\.[0-9]{1,4})?$',
  description: "a decimal with the currency's exponent, as 100.50",
})
const Status = Type.Enum([...ORDER_STATUSES])

const purchase = {
  user_id: Uuid,
  amount: Amount,
  currency: Currency,
  service_name: Text,
  service_account_number: Text,
  service_bank_code: Text,
}

const OrderView = Type.Object({
  external_order_id: Uuid,
  tenant_id: TenantId,
  ...purchase,
  status: Status,
  created_at: Type.String({ format: 'date-time' }),
})

const OrdersView = Type.Object({ orders: Type.Array(OrderView) })

const NewOrder = Type.Object({
  external_order_id: Type.Optional(Uuid),
  tenant_id: Type.Optional(TenantId),
  ...purchase,
})

export const createOrdersSchema = {
  summary: 'Create orders, all or none; an external_order_id that exists is a repeat',
  body: Type.Object({
    orders: Type.Array(NewOrder, { minItems: 1, maxItems: MAX_ORDERS }),
  }),
  readBody: Type.Object({
    orders: Type.Array(Type.Object(NewOrder.properties, { anyOf: AMOUNTS_BY_CURRENCY }), {
      minItems: 1,
      maxItems: MAX_ORDERS,
    }),
  }),
  response: { 201: OrdersView },
  problems: ['IDEMPOTENCY_MISMATCH'] as const,
}

export const lookupOrdersSchema = {
  summary: 'Find orders of users; unknown ones and those of other users are left out',
  body: Type.Object({
    orders: Type.Array(
      Type.Object({ tenant_id: TenantId, user_id: Uuid, external_order_id: Uuid }),
      { maxItems: MAX_ORDERS },
    ),
  }),
  response: { 200: OrdersView },
}

export const listOrdersSchema = {
  summary: "A user's orders, newest first",
  params: Type.Object({ user_id: Uuid }),
  querystring: Type.Object({
    ...pageQuery.properties,
    status: Type.Optional(Status),
    tenant_id: Type.Optional(TenantId),
  }),
  response: { 200: pageOf(OrderView) },
}

/** Where a page ended: the last order's external id. */
export const OrderPosition = Type.Object({ after: Uuid })
