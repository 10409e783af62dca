import { TOPICS } from '@caudal/contracts/topics.ts'
import type { OrderBy } from '@caudal/event-log/order-key.ts'
import type { Handlers } from '@caudal/event-log/router.ts'
import type { PaymentWork } from '../process-batch.ts'

/** The payments of one order are in order: the first that is completed pays it. */
export const orderBy: OrderBy = { [TOPICS.paymentsFinalized]: ['tenant_id', 'external_order_id'] }

/** The events that pay orders (ADR 0007). */
export const handlers: Handlers<PaymentWork> = {
  'payment.finalized': (incoming) => ({ type: 'payment', incoming }),
  'payment.recovered': (incoming) => ({ type: 'payment', incoming }),
}
