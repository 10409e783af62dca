import type { CaudalEvent } from '@caudal/contracts/events.ts'
import type { PaymentEvent } from '../domain/evolve.ts'

/** The event if it is one that moves payments (design rule 2), else undefined. */
export function paymentEventOf(event: CaudalEvent): PaymentEvent | undefined {
  switch (event.event_type) {
    case 'funds.reserved':
    case 'funds.insufficient':
    case 'funds.released':
    case 'payment.in_doubt':
    case 'payment.completed':
    case 'payment.failed.gateway_error':
    case 'payment.failed.gateway_unreachable':
    case 'payment.failed.circuit_open':
      return event
    default:
      return undefined
  }
}
