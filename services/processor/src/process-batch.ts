import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import type { FollowUp } from '@caudal/event-log/apply-batch.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { deadlineIn } from '@caudal/outbound/deadline.ts'
import { addToOutbox } from '@caudal/outbox/add-to-outbox.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Gate } from './calls/admission.ts'
import type { SendCall } from './calls/call-psp.ts'
import type { Observer } from './calls/observe.ts'
import { decideDue } from './domain/decide-due.ts'
import type { Decision } from './domain/decision.ts'
import { newPayment } from './domain/psp-payment.ts'
import type { RetryPolicy } from './domain/retry-policy.ts'
import type { SourceAccounts } from './domain/source-account.ts'
import { parseReserved, type ReservedPayment } from './messaging/parse-reserved.ts'
import { resultEvent } from './messaging/result-event.ts'
import type { PspAdapter } from './psp/adapter.ts'
import { recordPayments } from './store/record-payments.ts'

export type ProcessBatchDeps = {
  region: string
  policy: RetryPolicy
  accounts: SourceAccounts
  adapter: PspAdapter
  gate: Gate
  observer: Observer
  send: (calls: readonly SendCall[]) => void
  wakeIn: (delayMs: number) => void
}

/**
 * THE SPINE, read this first: payments whose funds are held are recorded, with the bytes of their
 * request and, as far as calls are free, their first attempt as SENDING. All of that is one
 * transaction with the consumer's offsets; only what it returns, behind the commit, calls the PSP.
 * How an answer moves a payment on is in record-answers.ts, what time does to it in take-due.ts.
 */
export async function processBatch(
  deps: ProcessBatchDeps,
  tx: Tx,
  incoming: readonly IncomingEvent<FundsReserved>[],
): Promise<FollowUp> {
  const { adapter, accounts, policy, gate } = deps
  const reserved = parseReserved(incoming, accounts)
  const admissions = gate.admit(reserved.length)
  // Before the row's own deadline begins, so that ours never ends behind it (rule 9).
  const deadline = deadlineIn(policy.timeoutMs)
  const planned = reserved.map((payment, index) => ({
    payment,
    body: adapter.freeze(payment.order),
    // Time counts from the statement that records it.
    decision: decideDue(newPayment(0), admissions[index]!, { now: 0, jitter: 0, policy }),
  }))
  const { paymentIds: fresh, now } = await recordPayments(
    tx,
    planned.map(({ payment, body, decision }) => ({
      facts: payment.facts,
      requestBody: body,
      state: decision.payment,
    })),
  )
  const clock = performance.now()
  const begun = planned.filter(({ payment }) => fresh.has(payment.facts.paymentId))
  const events = begun.flatMap(({ payment: { facts }, decision: { emission } }) =>
    emission ? [resultEvent(facts, emission, { region: deps.region, now })] : [],
  )
  await addToOutbox(tx, events)
  return () => {
    for (const { payment, decision } of begun) report(deps, payment, decision)
    deps.send(
      begun.flatMap(({ payment: { facts }, body, decision: { call, payment: state } }) =>
        call?.kind === 'send'
          ? [
              {
                peer: 'pay',
                facts,
                body,
                attempt: call.attempt,
                begun: { state, at: now, clock },
                deadline,
              },
            ]
          : [],
      ),
    )
  }
}

function report(deps: ProcessBatchDeps, { facts }: ReservedPayment, decision: Decision): void {
  const { step, dueAt } = decision.payment
  if (decision.emission) deps.observer.emitted(facts, decision.emission)
  if (step === 'send' && dueAt !== null) deps.wakeIn(dueAt)
}
