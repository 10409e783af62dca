import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { FundsReleased } from '@caudal/contracts/events/funds.ts'
import type { PaymentFinalized, PspAnswer } from '@caudal/contracts/events/payments.ts'
import { accountIdOf, newId } from '@caudal/contracts/ids.ts'
import type { PspReason, WalletReason } from '@caudal/contracts/reasons.ts'
import * as fc from 'fast-check'
import { decideEvents, type EventDecision } from '../src/domain/decide-events.ts'
import type { PaymentEvent } from '../src/domain/evolve.ts'
import type { Payment } from '../src/domain/payment.ts'

export const STORY_TIME = new Date('2026-03-01T12:00:00.000Z')

/** A payment that was just requested, for tests of what happens to it. */
export function pendingPayment(over: Partial<Payment> = {}): Payment {
  const tenantId = 'caudal'
  const userId = newId()
  return {
    paymentId: newId(),
    tenantId,
    userId,
    accountId: accountIdOf(tenantId, userId, 'USD'),
    externalOrderId: newId(),
    amountMinor: 10050n,
    currency: 'USD',
    serviceName: 'Water',
    status: 'PENDING',
    reason: null,
    pspAnswer: null,
    traceId: '0af7651916cd43dd8448eb211c80319c',
    createdAt: STORY_TIME,
    updatedAt: STORY_TIME,
    reservedAt: null,
    inDoubtAt: null,
    finalizedAt: null,
    psp: null,
    refundedMinor: 0n,
    pendingMinor: 0n,
    returnedMinor: 0n,
    serviceAccountNumber: '0001',
    serviceBankCode: 'BNK1',
    lateCapture: null,
    keepsFacts: false,
    ...over,
  }
}

/** What the events mean for the payments, of which no refund is known. */
export function decideEach(
  payments: Iterable<Payment>,
  events: readonly PaymentEvent[],
  now = new Date(),
): EventDecision {
  const known = new Map([...payments].map((payment) => [payment.paymentId, payment]))
  return decideEvents({ payments: known, refunds: new Map() }, events, {
    now,
    region: 'test',
    mintId: newId,
    returnCharges: 'operator',
  })
}

/** The `payment.finalized` of a decision, with the index of the event that caused each. */
export function finalizedIn({ emitted }: EventDecision) {
  return emitted.filter(
    (one): one is { index: number; event: PaymentFinalized } =>
      one.event.event_type === 'payment.finalized',
  )
}

/** All events of other services about the payment, each with its own id. */
export function eventsOf(payment: Payment) {
  const common = () => ({
    event_id: newId(),
    timestamp: '2026-03-01T12:00:01.000Z',
    schema_version: schemaVersionOf('payment.requested'),
    actor: { type: 'user', id: 'tests' } as const,
    region: 'test',
    tenant_id: payment.tenantId,
    account_id: payment.accountId,
    payment_id: payment.paymentId,
    user_id: payment.userId,
  })
  const request = () => ({
    ...common(),
    external_order_id: payment.externalOrderId,
    idempotency_key: newId(),
    payment_data: {
      amount: '100.50',
      currency: 'USD',
      service_name: payment.serviceName,
      service_account_number: '0001',
      service_bank_code: 'BNK1',
    },
  })
  const result = () => ({
    ...common(),
    amount: '100.50',
    currency: 'USD',
    wallet_transaction_id: newId(),
  })
  const answer = (status: string): PspAnswer => ({
    status,
    message: 'a message of the PSP',
    gateway_transaction_id: `psp-${payment.paymentId}`,
  })
  return {
    reserved: (): PaymentEvent => ({
      ...request(),
      event_type: 'funds.reserved',
      wallet_transaction_id: newId(),
    }),
    insufficient: (reason: WalletReason = 'insufficient_funds'): PaymentEvent => ({
      ...request(),
      event_type: 'funds.insufficient',
      reason,
    }),
    inDoubt: (): PaymentEvent => ({ ...result(), event_type: 'payment.in_doubt' }),
    completed: (): PaymentEvent => ({
      ...result(),
      event_type: 'payment.completed',
      gateway_response: answer('approved'),
    }),
    failed: (reason: PspReason = 'gateway_declined'): PaymentEvent => ({
      ...result(),
      event_type: 'payment.failed.gateway_error',
      reason,
      gateway_response: answer('failed'),
    }),
    canceled: (): PaymentEvent => ({ ...result(), event_type: 'payment.canceled' }),
    released: (reason: FundsReleased['reason'] = 'gateway_declined'): PaymentEvent => ({
      ...result(),
      event_type: 'funds.released',
      reason,
    }),
  }
}

/** The possible courses of a payment, as events. */
export const STORIES = {
  completed: (it) => [it.reserved(), it.completed()],
  completedAfterDoubt: (it) => [it.reserved(), it.inDoubt(), it.completed()],
  declined: (it) => [it.reserved(), it.failed(), it.released()],
  declinedAfterDoubt: (it) => [it.reserved(), it.inDoubt(), it.failed(), it.released()],
  canceled: (it) => [it.reserved(), it.canceled(), it.released('canceled')],
  refused: (it) => [it.insufficient()],
  stillInDoubt: (it) => [it.reserved(), it.inDoubt()],
  notReleasedYet: (it) => [it.reserved(), it.failed()],
} satisfies Record<string, (it: ReturnType<typeof eventsOf>) => PaymentEvent[]>

export type Story = keyof typeof STORIES

/** Which state each story ends in. */
export const ENDS: Record<Story, Payment['status']> = {
  completed: 'COMPLETED',
  completedAfterDoubt: 'COMPLETED',
  declined: 'FAILED',
  declinedAfterDoubt: 'FAILED',
  canceled: 'FAILED',
  refused: 'FAILED',
  stillInDoubt: 'IN_DOUBT',
  notReleasedYet: 'RESERVED',
}

/** Payments with their stories, and all events twice over in some order, cut into batches. */
export interface Plot {
  stories: Map<Payment, Story>
  batches: PaymentEvent[][]
}

/** Stories of a few payments: events in any order, some repeated, in batches of any size. */
export function plots(): fc.Arbitrary<Plot> {
  const stories = fc.array(fc.constantFrom(...(Object.keys(STORIES) as Story[])), {
    minLength: 1,
    maxLength: 5,
  })
  const randomness = fc.array(fc.nat(1_000), { minLength: 60, maxLength: 60 })
  return fc.tuple(stories, randomness).map(([names, numbers]) => {
    const stories = new Map(names.map((name) => [pendingPayment(), name]))
    const events: PaymentEvent[] = []
    for (const [payment, name] of stories) events.push(...STORIES[name](eventsOf(payment)))
    let next = 0
    const draw = (): number => numbers[next++ % numbers.length]!
    const shuffled = events
      .flatMap((event) => (draw() % 3 === 0 ? [event, event] : [event]))
      .map((event) => [draw(), event] as const)
      .toSorted(([a], [b]) => a - b)
      .map(([, event]) => event)
    const batches: PaymentEvent[][] = []
    while (shuffled.length > 0) batches.push(shuffled.splice(0, 1 + (draw() % 6)))
    return { stories, batches }
  })
}
