import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { PaymentFinalized, PaymentRecovered } from '@caudal/contracts/events/payments.ts'
import { accountIdOf, newId } from '@caudal/contracts/ids.ts'
import type { Order } from './an-order.ts'

/** A `payment.finalized` event for the order; `extra` replaces members. */
export function finalized(order: Order, extra: Partial<PaymentFinalized> = {}): PaymentFinalized {
  return {
    event_id: newId(),
    event_type: 'payment.finalized',
    timestamp: new Date().toISOString(),
    schema_version: schemaVersionOf('payment.requested'),
    actor: { type: 'user', id: 'tests' },
    region: 'local',
    tenant_id: 'caudal',
    account_id: accountIdOf('caudal', order.user_id, order.currency),
    payment_id: newId(),
    user_id: order.user_id,
    external_order_id: order.external_order_id,
    amount: order.amount,
    currency: order.currency,
    service_name: order.service_name,
    status: 'COMPLETED',
    reason: null,
    ...extra,
  }
}

/** A `payment.recovered` event of a payment that had failed. */
export function recovered(failed: PaymentFinalized): PaymentRecovered {
  const { status: _, reason: __, ...rest } = failed
  const event_type = 'payment.recovered'
  return { ...rest, event_id: newId(), event_type, schema_version: schemaVersionOf(event_type) }
}
