import { type Deadline, deadlineIn } from '@caudal/outbound/deadline.ts'
import { decideDue } from '../domain/decide-due.ts'
import { moveOn, type PspDecision } from '../domain/decision.ts'
import { newOperation, type PspOperation } from '../domain/psp-operation.ts'
import type { PaymentOrder } from '../domain/psp-order.ts'
import { sourceAccountOf } from '../domain/source-account.ts'
import type { ReservedPayment } from '../messaging/handlers.ts'
import type { RouteEntry } from '../store/payment-routes.ts'
import { callKeyOf } from './call-key-of.ts'
import type { PspAtWork, Psps } from './psps.ts'

/** A payment with its PSP, the bytes for it, and whether its first attempt begins now. */
export type PlannedPayment = {
  payment: ReservedPayment
  psp: PspAtWork
  body: Buffer
  decision: PspDecision
  deadline: Deadline
  /** The PSPs that it may go to, with their bytes; empty where it has no choice. */
  route: RouteEntry[]
}

type Routed = { payment: ReservedPayment; psp: PspAtWork; route: readonly PspAtWork[] }

/** Chooses the PSP of each payment, freezes its bytes and admits as many as may be sent now. */
export function planPayments(psps: Psps, payments: readonly ReservedPayment[]): PlannedPayment[] {
  const ofPsps = new Map<PspAtWork, Routed[]>()
  for (const payment of payments) {
    const { facts, order } = payment
    const route = psps.routeOf({ ...facts, service: order.destination.name })
    const psp = psps.choose(route, facts)
    const others = ofPsps.get(psp)
    if (others) others.push({ payment, psp, route })
    else ofPsps.set(psp, [{ payment, psp, route }])
  }
  return [...ofPsps.entries()].flatMap(([psp, routed]) => planAt(psp, routed))
}

function planAt(psp: PspAtWork, routed: readonly Routed[]): PlannedPayment[] {
  const { policy, gate, waiting, adapter, name } = psp
  const { capabilities } = adapter
  // Read before the row's own deadline begins, so that ours never ends later (rule 9).
  const deadline = deadlineIn(policy.timeoutMs)
  const isTaken = psp.state() === 'enabled'
  const candidates = routed.filter(
    ({ payment }) => isTaken && !waiting.has(callKeyOf(payment.facts)),
  )
  const admissions = gate.admit(candidates.map(({ payment }) => callKeyOf(payment.facts)))
  const admitted = new Set(candidates.filter((_, index) => admissions[index] === 'send'))
  // Times are relative to the statement that records them.
  const context = { now: 0, jitter: 0, policy, psp: name, capabilities }
  // Named before the first attempt too: the bytes are for this PSP, whichever is the default later.
  const fresh: PspOperation = { ...newOperation(0), psp: name }
  return routed.map((one) => ({
    payment: one.payment,
    psp,
    body: bytesFor(psp, one.payment),
    decision: admitted.has(one) ? decideDue(fresh, 'send', context) : moveOn(fresh),
    deadline,
    route: one.route.length > 1 ? entriesOf(one) : [],
  }))
}

function entriesOf({ payment, route }: Routed): RouteEntry[] {
  const { paymentId } = payment.facts
  return route.map((psp, position) => ({
    paymentId,
    position,
    psp: psp.name,
    requestBody: bytesFor(psp, payment),
  }))
}

function bytesFor({ adapter, accounts }: PspAtWork, { facts, order }: ReservedPayment): Buffer {
  const sourceAccountNumber = sourceAccountOf(accounts, facts.tenantId, facts.currency)
  const routed: PaymentOrder = { ...order, sourceAccountNumber }
  return adapter.freeze(routed)
}
