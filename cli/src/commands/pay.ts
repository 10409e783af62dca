import { randomUUID } from 'node:crypto'
import type { PaymentStep } from '@caudal/contracts/payment-steps.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { DEFAULT_TENANT } from '@caudal/contracts/tenant.ts'
import type { CliCommand, Invocation } from '../command.ts'
import { firstUnpaidOrder } from '../demo-data/first-unpaid-order.ts'
import { EXIT } from '../exit-code.ts'
import { noteRefusal, type ShownRefusal } from '../note-refusal.ts'
import { printJson, printLine } from '../output.ts'
import { integerOption, textOption, uuidArgument } from '../parse-options.ts'
import { fetchWaits } from '../payment/fetch-waits.ts'
import { waitLines } from '../payment/waits-of.ts'
import { readUntil } from '../read-until.ts'
import { findSystem, type System } from '../system/find-system.ts'
import { fetchPaymentSteps } from '../system/payment-steps.ts'
import {
  fetchPayment,
  paymentHasEnded,
  type PaymentResponse,
  requestPayment,
} from '../system/payments-api.ts'
import { clientToken, userToken } from '../system/tokens.ts'
import { describeStep } from './describe-step.ts'

/** How long to wait for the notification, which is sent after the payment is final. */
const NOTIFICATION_WAIT_MS = 3_000
const SCOPES = `${SCOPE.paymentsRead} ${SCOPE.traceRead} ${SCOPE.ordersRead}`

/** `caudal pay`: pays an order as its user and follows the payment until it is final. */
export const pay: CliCommand = {
  summary: 'pay an order of a user and follow the payment until it is final',
  usage: 'pay --user ID [--order ID] [--key UUID] [--wait SECONDS]',
  options: {
    user: { type: 'string', value: 'ID', about: 'the user who pays' },
    order: {
      type: 'string',
      value: 'ID',
      about: "the order; by default the user's next unpaid one",
    },
    key: { type: 'string', value: 'UUID', about: 'the idempotency key, by default a new one' },
    wait: { type: 'string', value: 'SECONDS', about: 'how long to follow it, 60 by default' },
  },
  positionals: { min: 0, max: 0 },
  async run(invocation) {
    const { values } = invocation
    const userId = uuidArgument(textOption(values, 'user'), '--user')
    const waitMs = integerOption(values, 'wait', { min: 1, max: 3_600 }, 60) * 1_000
    const given = values['order']
    const orderOption = typeof given === 'string' ? uuidArgument(given, '--order') : undefined
    const system = await findSystem(invocation)
    const { token } = await clientToken(system, SCOPES)
    const orderId = orderOption ?? (await firstUnpaidOrder(system, token, userId))
    if (orderId === undefined) {
      const detail = `user ${userId} has no unpaid order`
      return refused(invocation, { code: 'ORDER_NOT_FOUND', detail }, 404)
    }
    const user = await userToken(system, userId, DEFAULT_TENANT)
    const key = textOption(values, 'key', randomUUID())
    const { status, body } = await requestPayment(system, user.token, orderId, key)
    if (status !== 202) return refused(invocation, body as ShownRefusal, status)
    const accepted = body as PaymentResponse
    const { found, steps } = await follow(invocation, system, { token, accepted, waitMs })
    const waits = paymentHasEnded(found.status) ? [] : await fetchWaits(system, token, found)
    if (invocation.json) {
      const { payment_id, reason } = found
      const more = waits.length > 0 ? { waits } : {}
      printJson({ payment_id, status: found.status, reason, steps, ...more })
    }
    const why = found.reason ? `  ${found.reason}` : ''
    printLine(`${found.payment_id}  ${found.status}${why}`, invocation)
    for (const line of waitLines(waits)) printLine(line, invocation)
    return found.status === 'COMPLETED' ? EXIT.done : EXIT.no
  },
}

function refused({ json }: Invocation, refusal: ShownRefusal, status: number): number {
  if (json) printJson({ payment_id: null, status: null, reason: refusal.code ?? null, steps: [] })
  return noteRefusal('payment', status, refusal)
}

async function look(system: System, token: string, paymentId: string) {
  const found = await fetchPayment(system, token, paymentId)
  const { steps } = await fetchPaymentSteps(system, token, paymentId)
  return { found, steps }
}

type FollowOptions = { token: string; accepted: PaymentResponse; waitMs: number }

/** Prints each step when it is known, until the payment is final and the notification was sent. */
async function follow(
  invocation: Invocation,
  system: System,
  { token, accepted, waitMs }: FollowOptions,
): Promise<{ found: PaymentResponse; steps: PaymentStep[] }> {
  const { payment_id: paymentId, created_at: startedAt } = accepted
  const printed = new Set<string>()
  let finalAtMs: number | undefined
  const see = ({ found, steps }: Awaited<ReturnType<typeof look>>): boolean => {
    for (const step of steps) {
      const name = `${step.at} ${step.step} ${step.detail}`
      if (!printed.has(name)) printLine(describeStep(step, startedAt), invocation)
      printed.add(name)
    }
    if (found !== undefined && paymentHasEnded(found.status)) finalAtMs ??= Date.now()
    if (finalAtMs === undefined) return false
    const isNotified = steps.some(({ step }) => step.startsWith('notification.'))
    return isNotified || Date.now() - finalAtMs >= NOTIFICATION_WAIT_MS
  }
  const read = () => look(system, token, paymentId)
  const { found = accepted, steps } = await readUntil(read, { isOver: see, waitMs })
  return { found, steps }
}
