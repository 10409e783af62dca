import type { CliCommand } from '../command.ts'
import { UnreachableError } from '../errors.ts'
import { EXIT } from '../exit-code.ts'
import { printJson, printLine } from '../output.ts'
import { integerOption } from '../parse-options.ts'
import { findSystem } from '../system/find-system.ts'
import type { TrafficReport } from '../traffic/run-traffic.ts'
import type { Progress } from '../traffic/send-payments.ts'

/** Less than an hour, after which the users' tokens expire. */
const LONGEST_SECONDS = 3_000

/** `caudal demo`: sends steady traffic. Exits with 1 if a payment is lost or duplicated. */
export const demo: CliCommand = {
  summary: 'send payments at a steady rate, wait for their results and print a summary',
  usage: 'demo --rate N --seconds S',
  options: {
    rate: { type: 'string', value: 'N', about: 'payments per second, at most 20000' },
    seconds: { type: 'string', value: 'S', about: `for how long, at most ${LONGEST_SECONDS}` },
  },
  positionals: { min: 0, max: 0 },
  async run(invocation) {
    const rate = integerOption(invocation.values, 'rate', { min: 1, max: 20_000 })
    const seconds = integerOption(invocation.values, 'seconds', { min: 1, max: LONGEST_SECONDS })
    const system = await findSystem(invocation)
    const { runTraffic } = await import('../traffic/run-traffic.ts')
    const report = await runTraffic(system, { rate, seconds }, progressLine(rate * seconds))
    if (process.stderr.isTTY) process.stderr.write('\n')
    if (invocation.json) printJson(report)
    printLine(describe(report), invocation)
    if (report.lost > 0 || (report.duplicated ?? 0) > 0) return EXIT.no
    if (report.duplicated === null) throw new UnreachableError("could not read the PSP's charges")
    return EXIT.done
  },
}

function progressLine(total: number): (progress: Progress) => void {
  let lastAt = 0
  return ({ sent, answered }) => {
    const now = Date.now()
    if (now - lastAt < 250 && answered < total) return
    lastAt = now
    const line = `sent ${sent} of ${total}, answered ${answered}`
    if (process.stderr.isTTY) process.stderr.write(`\r${line.padEnd(60)}`)
  }
}

function describe(report: TrafficReport): string {
  const { accept_ms: accept, final_ms: final } = report
  return [
    `sent ${report.sent}, accepted ${report.accepted}, refused ${report.refused}, ` +
      `unknown ${report.unknown}`,
    `completed ${report.completed}, failed ${report.failed}, in doubt ${report.in_doubt}`,
    `lost ${report.lost}, duplicated ${report.duplicated ?? 'unknown'}`,
    `accepted within ${accept.p50} / ${accept.p95} / ${accept.p99} ms (p50 / p95 / p99)`,
    `final within ${final.p50} / ${final.p95} / ${final.p99} ms`,
    `${report.completed_per_second} completed per second`,
  ].join('\n')
}
