import { isConnectionFault } from '@caudal/postgres/errors.ts'
import type { CliCommand } from '../command.ts'
import { UnreachableError } from '../errors.ts'
import { EXIT } from '../exit-code.ts'
import { note, printJson, printLine } from '../output.ts'
import { integerOption } from '../parse-options.ts'
import { findSystem } from '../system/find-system.ts'

/** `caudal verify`: checks all money movements. Exits with 1 if it finds a violation. */
export const verify: CliCommand = {
  summary: 'wait until the system is idle, then check balances, holds, charges, orders and more',
  usage: 'verify [--wait 30]',
  options: {
    wait: {
      type: 'string',
      value: 'SECONDS',
      about: 'how long to wait until no payment moves any more, 30 by default',
    },
  },
  positionals: { min: 0, max: 0 },
  async run(invocation) {
    const seconds = integerOption(invocation.values, 'wait', { min: 0, max: 3_600 }, 30)
    const system = await findSystem(invocation)
    const { verifySystem } = await import('../verify/verify-system.ts')
    const { ok, activity, checks } = await verifySystem(system, seconds * 1_000).catch(
      (error: unknown) => {
        if (!isConnectionFault(error)) throw error
        throw new UnreachableError('a database is unreachable', { cause: error })
      },
    )
    if (activity === 'busy') note(`caudal: the system was still busy after ${seconds} s`)
    if (invocation.json) printJson({ ok, checks })
    for (const { name, checked, violations, skipped } of checks) {
      if (skipped !== undefined) {
        printLine(`--  ${name.padEnd(24)} not running: ${skipped.join(', ')}`, invocation)
        continue
      }
      const mark = violations.length === 0 ? 'ok ' : 'NO '
      printLine(`${mark} ${name.padEnd(24)} ${checked} checked`, invocation)
      for (const violation of violations) printLine(`      ${violation}`, invocation)
    }
    return ok ? EXIT.done : EXIT.no
  },
}
