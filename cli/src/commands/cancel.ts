import { CANCELED } from '@caudal/contracts/reasons.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import type { CliCommand, Invocation } from '../command.ts'
import { UnreachableError } from '../errors.ts'
import { EXIT } from '../exit-code.ts'
import { noteRefusal, type ShownRefusal } from '../note-refusal.ts'
import { printJson, printLine } from '../output.ts'
import { integerOption, uuidArgument } from '../parse-options.ts'
import { readUntil } from '../read-until.ts'
import { findSystem } from '../system/find-system.ts'
import { fetchPayment, paymentHasEnded, type PaymentResponse } from '../system/payments-api.ts'
import { cancelPayment } from '../system/refunds-api.ts'
import { clientToken } from '../system/tokens.ts'

const SCOPES = `${SCOPE.paymentsWrite} ${SCOPE.paymentsRead}`

/** `caudal cancel`: cancels a payment that was not sent to the PSP yet. */
export const cancel: CliCommand = {
  summary: 'cancel a payment that was not sent to the PSP yet, and wait until its funds are free',
  usage: 'cancel PAYMENT [--wait SECONDS]',
  arguments: [['PAYMENT', 'the id of the payment']],
  options: {
    wait: { type: 'string', value: 'SECONDS', about: 'how long to follow it, 60 by default' },
  },
  positionals: { min: 1, max: 1 },
  async run(invocation) {
    const paymentId = uuidArgument(invocation.positionals[0]!, 'the payment id')
    const waitMs = integerOption(invocation.values, 'wait', { min: 1, max: 3_600 }, 60) * 1_000
    const system = await findSystem(invocation)
    const { token } = await clientToken(system, SCOPES)
    const { status, body } = await cancelPayment(system, token, paymentId)
    if (status !== 202) {
      return refused(invocation, { paymentId, status, body: body as ShownRefusal })
    }
    const read = async (): Promise<PaymentResponse> => {
      const found = await fetchPayment(system, token, paymentId)
      if (found === undefined) throw new UnreachableError(`could not read payment ${paymentId}`)
      return found
    }
    const isOver = (seen: PaymentResponse) => paymentHasEnded(seen.status)
    const found = await readUntil(read, { isOver, waitMs })
    const { reason } = found
    if (invocation.json) printJson({ payment_id: paymentId, status: found.status, reason })
    printLine(`${paymentId}  ${found.status}${reason ? `  ${reason}` : ''}`, invocation)
    return found.status === 'FAILED' && reason === CANCELED ? EXIT.done : EXIT.no
  },
}

function refused(
  { json }: Invocation,
  { paymentId, status, body }: { paymentId: string; status: number; body: ShownRefusal },
): number {
  if (json) printJson({ payment_id: paymentId, status: null, reason: body.code ?? null })
  return noteRefusal('cancel', status, body)
}
