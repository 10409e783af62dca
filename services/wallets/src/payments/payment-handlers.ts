import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { type Handlers, Unprocessable } from '@caudal/event-log/router.ts'
import type { Work } from '../ledger/origin.ts'
import { eventOrigin } from './event-origin.ts'
import { type LedgerEvent, readPaymentCommand } from './read-payment-command.ts'

function workOf({ event, record }: IncomingEvent<LedgerEvent>): Work | Unprocessable {
  const read = readPaymentCommand(event)
  if ('cause' in read) return new Unprocessable(read.cause)
  return { command: read.command, origin: eventOrigin(event, record) }
}

/** Payments get holds, commits and rollbacks (P4). */
export const paymentHandlers: Handlers<Work> = {
  'payment.requested': workOf,
  'payment.completed': workOf,
  'payment.failed.gateway_error': workOf,
  'payment.failed.gateway_unreachable': workOf,
  'payment.failed.circuit_open': workOf,
  'payment.canceled': workOf,
}
