import type { CheckInput, PaymentCheck, CheckSource } from './check.ts'
import { collectFindings, type Finding, joinFindings } from './findings.ts'
import { walkPayments } from './walk-payments.ts'

/** Runs checks in one walk over all payments; returns their findings in the same order. */
export async function runPaymentChecks(
  input: CheckInput,
  checks: readonly PaymentCheck[],
): Promise<Finding[]> {
  const sources = new Set<CheckSource>(checks.flatMap(({ needs }) => needs))
  const runs = checks.map((check) => ({
    check,
    collector: collectFindings(input.recentFrom),
    checked: 0,
  }))
  for await (const page of walkPayments(input, sources)) {
    for (const run of runs) run.checked += run.check.look(page, run.collector.add)
  }
  const findings: Finding[] = []
  for (const { check, collector, checked } of runs) {
    const own = collector.finding(checked)
    const across = await check.lookAcross?.(input)
    findings.push(across === undefined ? own : joinFindings(across, own))
  }
  return findings
}
