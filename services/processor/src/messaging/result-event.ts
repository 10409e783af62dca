import { type Actor, systemActor } from '@caudal/contracts/actor.ts'
import type { CaudalEvent } from '@caudal/contracts/catalogue.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import { childTraceparent } from '@caudal/telemetry/trace-context.ts'
import type { Emission } from '../domain/decision.ts'
import type { OperationFacts, PaymentFacts, ReversalFacts } from '../domain/operation-facts.ts'
import {
  contradictionEvent,
  foundEvent,
  lateEvent,
  ofType,
  unaskedEvent,
} from './psp-fact-event.ts'

export type EmissionContext = {
  region: string
  now: number
  /** Of the operation; null before its first attempt. */
  psp: string | null
  /** The refund that the emission is about, if it is not the one of the operation. */
  refundId?: string | undefined
  /** Who caused it, where it was neither a timer nor an answer of the PSP (ADR 0017). */
  actor?: Actor
}

/**
 * The events of an emission: for payments.results of a payment, for refunds.results of a refund,
 * for psp.facts where the PSP did what it was not asked for. A payout has none: whoever asks for
 * payouts will define them (ADR 0035).
 */
export function resultEvents(
  facts: OperationFacts,
  emission: Emission,
  context: EmissionContext,
): OutboxEvent[] {
  if (facts.kind === 'payout') return []
  const common = {
    ...envelopeOf(facts, context),
    payment_id: facts.paymentId,
    user_id: facts.userId,
    amount: formatAmount(facts.amountMinor, facts.currency),
    currency: facts.currency,
  }
  const event =
    facts.kind === 'pay'
      ? paymentEvent(common, facts, emission, context.psp)
      : refundEvent(common, facts, emission, context)
  const { traceparent: parent } = facts
  return [{ event, traceparent: parent === null ? undefined : childTraceparent(parent) }]
}

/** The envelope of an event that a timer or the PSP caused, unless the context names another. */
export function envelopeOf(
  { tenantId, accountId }: Pick<OperationFacts, 'tenantId' | 'accountId'>,
  { now, actor, region }: Pick<EmissionContext, 'now' | 'actor' | 'region'>,
) {
  return {
    event_id: newId(),
    timestamp: new Date(now).toISOString(),
    actor: actor ?? systemActor('processor'),
    region,
    tenant_id: tenantId,
    account_id: accountId,
  }
}

type Common = Omit<
  Extract<CaudalEvent, { event_type: 'payment.in_doubt' }>,
  'event_type' | 'schema_version' | 'wallet_transaction_id'
>

function paymentEvent(
  of: Common,
  facts: PaymentFacts,
  emission: Emission,
  psp: string | null,
): CaudalEvent {
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
    case 'late_success':
      return lateEvent({ ...of, psp: psp ?? DEFAULT_PSP }, emission.response)
    case 'reversed':
    case 'returned':
    case 'disputed':
      return unaskedEvent({ ...of, psp: psp ?? DEFAULT_PSP }, emission, of)
    case 'contradicted': {
      const subject = { type: 'payment', id: of.payment_id } as const
      return contradictionEvent({ ...of, psp: psp ?? DEFAULT_PSP }, emission, { subject, of })
    }
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
  { psp: named, refundId = requestId }: EmissionContext,
): CaudalEvent {
  const psp = named ?? DEFAULT_PSP
  const common = { ...of, refund_id: refundId }
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
    case 'late_success':
      return foundEvent({ ...common, psp }, emission.response)
    case 'reversed':
      return { ...common, ...ofType('refund.reversed'), psp, method }
    case 'contradicted': {
      const subject = { type: 'refund', id: refundId } as const
      return contradictionEvent({ ...of, psp }, emission, { subject, of })
    }
    case 'returned':
    case 'disputed':
      throw new Error('a return or dispute is about a payment')
    default:
      return emission satisfies never
  }
}

const FAILURE_TYPES = {
  gateway_declined: 'payment.failed.gateway_error',
  gateway_unavailable: 'payment.failed.gateway_error',
  gateway_unreachable: 'payment.failed.gateway_unreachable',
  circuit_open: 'payment.failed.circuit_open',
} as const
