import { v5 } from 'uuid'
import { isPaymentEnd, type Notification, type NotifiedOutcome } from '../domain/notification.ts'

const NAMESPACE = '0a0b8c9e-6d55-5d3e-8e5d-2a4c1f0e7b11'

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
