import type { GatewayResponse } from '@caudal/contracts/events/payments.ts'
import type { FailureReason } from '@caudal/contracts/reasons.ts'

/** The states of a payment so far; they only move forward, the last two are final. */
export const STATUSES = ['PENDING', 'RESERVED', 'IN_DOUBT', 'COMPLETED', 'FAILED'] as const

export type Status = (typeof STATUSES)[number]

/**
 * A payment as its row has it. `reason` is the verdict as soon as it is known; it is shown only
 * with FAILED, because FAILED means that the money is available again.
 */
export interface Payment {
  paymentId: string
  tenantId: string
  userId: string
  /** Account of the user's wallet in the payment's currency: the key of all its events. */
  accountId: string
  externalOrderId: string
  amountMinor: bigint
  currency: string
  serviceName: string
  status: Status
  reason: FailureReason | null
  gatewayResponse: GatewayResponse | null
  /** 32 hexadecimal digits: the trace in which the payment was requested. */
  traceId: string
  createdAt: Date
  /** When the status last changed. */
  updatedAt: Date
  reservedAt: Date | null
  inDoubtAt: Date | null
  finalizedAt: Date | null
}

/** Whether nothing can change the payment's outcome any more. */
export function isFinal(status: Status): boolean {
  return status === 'COMPLETED' || status === 'FAILED'
}
