import { SCOPE } from '@caudal/contracts/scopes.ts'
import type { CliCommand } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { note, printJson, printLine } from '../output.ts'
import { uuidArgument } from '../parse-options.ts'
import { fetchWaits } from '../payment/fetch-waits.ts'
import { waitLines } from '../payment/waits-of.ts'
import { cameBackLines } from '../refund/came-back-lines.ts'
import { findSystem } from '../system/find-system.ts'
import { fetchPaymentSteps } from '../system/payment-steps.ts'
import { fetchPayment } from '../system/payments-api.ts'
import { fetchCameBack } from '../system/refunds-api.ts'
import { clientToken } from '../system/tokens.ts'
import { describeStep } from './describe-step.ts'

/** `caudal payment ID`: the state and the steps of a payment, from all services (P11). */
export const payment: CliCommand = {
  summary: 'show a payment, all its steps, what came back of it and why it waits',
  usage: 'payment ID',
  arguments: [['ID', 'the id of the payment']],
  options: {},
  positionals: { min: 1, max: 1 },
  async run(invocation) {
    const paymentId = uuidArgument(invocation.positionals[0]!, 'the payment id')
    const system = await findSystem(invocation)
    const { token } = await clientToken(system, `${SCOPE.paymentsRead} ${SCOPE.traceRead}`)
    const found = await fetchPayment(system, token, paymentId)
    if (!found) {
      const unknown = { payment_id: paymentId, status: null, reason: 'PAYMENT_NOT_FOUND' }
      if (invocation.json) printJson({ ...unknown, steps: [] })
      note(`caudal: there is no payment ${paymentId}`)
      return EXIT.no
    }
    const { status, reason } = found
    const [{ steps, missing }, waits, cameBack] = await Promise.all([
      fetchPaymentSteps(system, token, paymentId),
      fetchWaits(system, token, found),
      fetchCameBack(system, token, paymentId),
    ])
    if (invocation.json) {
      const { refunds, returns } = cameBack
      const more = {
        ...(waits.length > 0 && { waits }),
        ...(refunds.length > 0 && { refunds }),
        ...(returns.length > 0 && { returns }),
      }
      printJson({ payment_id: paymentId, status, reason, steps, ...more })
    }
    for (const step of steps) printLine(describeStep(step, found.created_at), invocation)
    printLine(`${paymentId}  ${status}${reason ? `  ${reason}` : ''}`, invocation)
    for (const line of cameBackLines(cameBack)) printLine(line, invocation)
    for (const line of waitLines(waits)) printLine(line, invocation)
    for (const [service, cause] of Object.entries(missing)) {
      note(`caudal: the steps of ${service} are missing: ${cause}`)
    }
    if (Object.keys(missing).length > 0) return EXIT.unreachable
    return status === 'FAILED' ? EXIT.no : EXIT.done
  },
}
