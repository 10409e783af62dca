import { randomUUID } from 'node:crypto'
import { REFUND_CAUSES } from '@caudal/contracts/reasons.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import type { CliCommand, Invocation } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { noteRefusal, type ShownRefusal } from '../note-refusal.ts'
import { printJson, printLine } from '../output.ts'
import {
  choiceOption,
  integerOption,
  optionalText,
  textOption,
  uuidArgument,
} from '../parse-options.ts'
import { readUntil } from '../read-until.ts'
import { findSystem, type System } from '../system/find-system.ts'
import {
  fetchRefund,
  refundHasEnded,
  type RefundResponse,
  requestRefund,
} from '../system/refunds-api.ts'
import { clientToken } from '../system/tokens.ts'
import { describeStep } from './describe-step.ts'

const SCOPES = `${SCOPE.refundsWrite} ${SCOPE.paymentsRead}`

/** One status of the refund, when it was seen first. */
type SeenStatus = { at: string; step: string; detail: null }

/** `caudal refund`: refunds a payment and follows the refund to its end. */
export const refund: CliCommand = {
  summary: 'refund a payment, or a part of it, and follow the refund to its end',
  usage: 'refund PAYMENT [--amount A] [--reason R] [--key UUID] [--wait SECONDS]',
  arguments: [['PAYMENT', 'the id of the payment']],
  options: {
    amount: { type: 'string', value: 'A', about: 'how much, such as 40.00; by default all' },
    reason: {
      type: 'string',
      value: 'R',
      about: `one of ${REFUND_CAUSES.join(', ')}; by default the first`,
    },
    key: { type: 'string', value: 'UUID', about: 'the idempotency key, by default a new one' },
    wait: { type: 'string', value: 'SECONDS', about: 'how long to follow it, 60 by default' },
  },
  positionals: { min: 1, max: 1 },
  async run(invocation) {
    const { values } = invocation
    const paymentId = uuidArgument(invocation.positionals[0]!, 'the payment id')
    const reason = choiceOption(values, 'reason', REFUND_CAUSES) ?? REFUND_CAUSES[0]
    const amount = optionalText(values, 'amount')
    const waitMs = integerOption(values, 'wait', { min: 1, max: 3_600 }, 60) * 1_000
    const key = textOption(values, 'key', randomUUID())
    const system = await findSystem(invocation)
    const { token } = await clientToken(system, SCOPES)
    const wanted = { paymentId, key, reason, ...(amount !== undefined && { amount }) }
    const { status, body } = await requestRefund(system, token, wanted)
    if (status !== 202) {
      return refused(invocation, { paymentId, status, body: body as ShownRefusal })
    }
    const accepted = body as RefundResponse
    const { found, steps } = await follow(invocation, system, { token, accepted, waitMs })
    if (invocation.json) printJson({ ...found, steps })
    const why = found.failure_reason === null ? '' : `  ${found.failure_reason}`
    printLine(
      `${found.refund_id}  ${found.status}  ${found.amount} ${found.currency}${why}`,
      invocation,
    )
    return found.status === 'SUCCEEDED' ? EXIT.done : EXIT.no
  },
}

function refused(
  { json }: Invocation,
  { paymentId, status, body }: { paymentId: string; status: number; body: ShownRefusal },
): number {
  const none = { refund_id: null, payment_id: paymentId, status: null }
  if (json) printJson({ ...none, failure_reason: body.code ?? null, steps: [] })
  return noteRefusal('refund', status, body)
}

type FollowOptions = { token: string; accepted: RefundResponse; waitMs: number }

/** Prints each status when it is seen first, until the refund has ended. */
async function follow(
  invocation: Invocation,
  system: System,
  { token, accepted, waitMs }: FollowOptions,
): Promise<{ found: RefundResponse; steps: SeenStatus[] }> {
  const steps: SeenStatus[] = []
  const see = ({ status, updated_at: at }: RefundResponse): boolean => {
    if (status !== steps.at(-1)?.step) {
      const step = { at, step: status, detail: null }
      steps.push(step)
      printLine(describeStep(step, accepted.created_at), invocation)
    }
    return refundHasEnded(status)
  }
  see(accepted)
  const read = () => fetchRefund(system, token, accepted.refund_id)
  return { found: await readUntil(read, { isOver: see, waitMs }), steps }
}
