import type { PaymentStep } from '@caudal/contracts/payment-steps.ts'

/** Formats a step as a line: the time since the start, its name and its detail. */
export function describeStep({ at, step, detail }: PaymentStep, startedAt: string): string {
  const afterMs = Date.parse(at) - Date.parse(startedAt)
  const time = `${afterMs >= 0 ? '+' : ''}${afterMs} ms`
  return `  ${time.padStart(10)}  ${step.padEnd(22)}${detail ? `  ${detail}` : ''}`
}
