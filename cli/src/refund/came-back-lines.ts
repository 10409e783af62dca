import type { CameBack } from '../system/refunds-api.ts'

/** The lines of the text output about what came back of a payment, in order of time. */
export function cameBackLines({ refunds, returns }: CameBack): string[] {
  const lines = [
    ...refunds.map(({ refund_id: id, status, reason, failure_reason: why, ...it }) => ({
      at: it.created_at,
      text: line('refund', id, status, it, why === null ? reason : `${reason}, ${why}`),
    })),
    ...returns.map(({ return_id: id, status, reason, reason_code: code, ...it }) => ({
      at: it.created_at,
      text: line('return', id, status, it, `${reason} (${code})`),
    })),
  ]
  return lines.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)).map(({ text }) => text)
}

function line(
  what: string,
  id: string,
  status: string,
  { amount, currency }: { amount: string; currency: string },
  why: string,
): string {
  return `  ${what} ${id}  ${status.padEnd(9)}  ${amount} ${currency}  ${why}`
}
