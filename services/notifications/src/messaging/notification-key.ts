import { v5 } from 'uuid'
import { NAMESPACE } from '../domain/id-namespace.ts'
import { isPaymentEnd, type Notification, type NotifiedOutcome } from '../domain/notification.ts'

/**
 * The key of a notification: of the end of a payment the payment itself, which has one end. Of
 * anything else it is made from the object and the outcome, so that a repeat has the same.
 */
export function notificationKeyOf(
  outcome: NotifiedOutcome,
  { paymentId, objectId }: Pick<Notification, 'paymentId' | 'objectId'>,
): string {
  if (isPaymentEnd(outcome)) return paymentId
  return v5(`${outcome}/${objectId ?? paymentId}`, NAMESPACE)
}
