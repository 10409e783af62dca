import { TOPICS } from '@caudal/contracts/topics.ts'
import type { OrderBy } from '@caudal/event-log/order-key.ts'

/**
 * An account takes its opening and its holds in order: a later payment must not get the money of an
 * earlier one that waits. The result of a payment concerns its own hold only, and results of
 * several holds of an account give the same balances in any order, so one that waits delays no
 * other. Postings of an account keep their order, since a refund may be taken back again.
 */
export const orderBy: OrderBy = {
  [TOPICS.users]: ['account_id'],
  [TOPICS.paymentsRequested]: ['account_id'],
  [TOPICS.paymentsResults]: ['payment_id'],
  [TOPICS.postingsRequested]: ['account_id'],
}
