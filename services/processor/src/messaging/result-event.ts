import { systemActor } from '@caudal/contracts/actor.ts'
import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { CaudalEvent, EventType } from '@caudal/contracts/catalogue.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import { childTraceparent } from '@caudal/telemetry/trace-context.ts'
import type { Emission } from '../domain/decision.ts'
import type { PaymentFacts } from '../domain/payment-facts.ts'

/** `payment.completed`, `payment.failed.*` or `payment.in_doubt` for payments.results (P7). */
export function resultEvent(
  facts: PaymentFacts,
  emission: Emission,
  { region, now }: { region: string; now: number },
): OutboxEvent {
  const common = {
    event_id: newId(),
    timestamp: new Date(now).toISOString(),
    actor: systemActor('processor'),
    region,
    tenant_id: facts.tenantId,
    account_id: facts.accountId,
    payment_id: facts.paymentId,
    user_id: facts.userId,
    amount: formatAmount(facts.amountMinor, facts.currency),
    currency: facts.currency,
    wallet_transaction_id: facts.walletTransactionId,
  }
  return {
    event: eventOf(common, emission),
    traceparent: facts.traceparent === null ? undefined : childTraceparent(facts.traceparent),
  }
}

type Common = Omit<
  Extract<CaudalEvent, { event_type: 'payment.in_doubt' }>,
  'event_type' | 'schema_version'
>

function eventOf(common: Common, emission: Emission): CaudalEvent {
  switch (emission.kind) {
    case 'completed':
      return {
        ...common,
        ...ofType('payment.completed'),
        gateway_response: emission.response,
        ...(emission.psp !== null && { psp: emission.psp }),
      }
    case 'failed': {
      const { reason, response } = emission
      return {
        ...common,
        ...ofType(FAILURE_TYPES[reason]),
        reason,
        gateway_response: response,
      }
    }
    case 'in_doubt':
      return { ...common, ...ofType('payment.in_doubt') }
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
