import { errorOfStatus, exitCodeOf } from './exit-code.ts'
import { note } from './output.ts'

/** The members of a problem (RFC 9457) that a person reads. */
export type ShownRefusal = {
  code?: string
  detail?: string
  /** Of `REFUND_EXCEEDS_CAPTURED`: what is left of the payment, in its currency. */
  refundable?: string
}

/** Writes why the system refused what was asked for, and returns the exit code of the command. */
export function noteRefusal(what: string, status: number, refusal: ShownRefusal): number {
  const { code, detail, refundable } = refusal
  const left = refundable === undefined ? '' : ` (${refundable} is left)`
  const why = `${code ?? 'unknown code'}: ${detail ?? 'no detail given'}${left}`
  const message = `${what} refused, ${why}`
  note(`caudal: ${message}`)
  return exitCodeOf(errorOfStatus(status, { code, message }))
}
