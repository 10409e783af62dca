import { type Actor, systemActor } from '@caudal/contracts/actor.ts'
import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { CaudalEvent, EventType } from '@caudal/contracts/catalogue.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import { childTraceparent } from '@caudal/telemetry/trace-context.ts'
import type { Emission } from '../domain/decision.ts'
import type { OperationFacts, PaymentFacts, ReversalFacts } from '../domain/operation-facts.ts'

export type EmissionContext = {
  region: string
  now: number
  /** Of the operation; null before its first attempt. */
  psp: string | null
  /** Who caused it, where it was neither a timer nor an answer of the PSP (ADR 0017). */
  actor?: Actor
}

/** The event of an emission: for payments.results of a payment, for refunds.results of a refund. */
export function resultEvent(
  facts: OperationFacts,
  emission: Emission,
  context: EmissionContext,
): OutboxEvent {
  const common = {
    event_id: newId(),
    timestamp: new Date(context.now).toISOString(),
    actor: context.actor ?? systemActor('processor'),
    region: context.region,
    tenant_id: facts.tenantId,
    account_id: facts.accountId,
    payment_id: facts.paymentId,
    user_id: facts.userId,
    amount: formatAmount(facts.amountMinor, facts.currency),
    currency: facts.currency,
  }
  return {
    event:
      facts.kind === 'pay'
        ? paymentEvent(common, facts, emission)
        : refundEvent(common, facts, emission, context.psp ?? DEFAULT_PSP),
    traceparent: facts.traceparent === null ? undefined : childTraceparent(facts.traceparent),
  }
}

type Common = Omit<
  Extract<CaudalEvent, { event_type: 'payment.in_doubt' }>,
  'event_type' | 'schema_version' | 'wallet_transaction_id'
>

function paymentEvent(of: Common, facts: PaymentFacts, emission: Emission): CaudalEvent {
  const common = { ...of, wallet_transaction_id: facts.walletTransactionId }
  switch (emission.kind) {
    case 'completed':
      return {
        ...common,
        ...ofType('payment.completed'),
        gateway_response: emission.response,
        ...(emission.psp !== null && { psp: emission.psp }),
      }
    case 'failed': {
      const { reason, response, declineCode } = emission
      return {
        ...common,
        ...ofType(FAILURE_TYPES[reason]),
        reason,
        ...(declineCode !== undefined && { decline_code: declineCode }),
        gateway_response: response,
      }
    }
    case 'in_doubt':
      return { ...common, ...ofType('payment.in_doubt') }
    case 'canceled':
      return { ...common, ...ofType('payment.canceled') }
    case 'submitted':
    case 'refused':
      throw new Error(`a payment is never ${emission.kind}`)
    default:
      return emission satisfies never
  }
}

function refundEvent(
  of: Common,
  { kind: method, requestId }: ReversalFacts,
  emission: Emission,
  psp: string,
): CaudalEvent {
  const common = { ...of, refund_id: requestId }
  switch (emission.kind) {
    case 'submitted':
      return { ...common, ...ofType('refund.submitted'), psp, method }
    case 'in_doubt':
      return { ...common, ...ofType('refund.in_doubt'), psp, method }
    case 'completed': {
      const gateway_response = emission.response
      return { ...common, ...ofType('refund.succeeded'), psp, method, gateway_response }
    }
    case 'failed': {
      const { reason, response, declineCode } = emission
      return {
        ...common,
        ...ofType('refund.failed'),
        reason,
        ...(declineCode !== undefined && { decline_code: declineCode }),
        gateway_response: response,
      }
    }
    case 'refused': {
      const gateway_response = { status: 'failed', message: 'The refund was not sent.' }
      return { ...common, ...ofType('refund.failed'), reason: emission.reason, gateway_response }
    }
    case 'canceled':
      return { ...common, ...ofType('refund.canceled') }
    default:
      return emission satisfies never
  }
}

function ofType<T extends EventType>(type: T) {
  return { event_type: type, schema_version: schemaVersionOf(type) }
}

const FAILURE_TYPES = {
  gateway_declined: 'payment.failed.gateway_error',
  gateway_unavailable: 'payment.failed.gateway_error',
  gateway_unreachable: 'payment.failed.gateway_unreachable',
  circuit_open: 'payment.failed.circuit_open',
} as const
