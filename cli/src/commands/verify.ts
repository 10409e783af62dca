import { isConnectionFault } from '@caudal/postgres/errors.ts'
import type { CliCommand, Invocation } from '../command.ts'
import { UnreachableError } from '../errors.ts'
import { EXIT } from '../exit-code.ts'
import { note, printJson, printLine } from '../output.ts'
import { integerOption, optionalText } from '../parse-options.ts'
import { findSystem } from '../system/find-system.ts'
import type { CheckReport } from '../verify/findings.ts'
import type { Open, OpenPayments } from '../verify/open-payments.ts'

const NAME_WIDTH = 24

/** `caudal verify`: checks all money movements. Exits with 1 if it finds a violation. */
export const verify: CliCommand = {
  summary: 'wait until the system is idle, then check balances, holds, charges, orders and more',
  usage: 'verify [--wait 30] [--checkpoint FILE] [--since FILE]',
  options: {
    wait: {
      type: 'string',
      value: 'SECONDS',
      about: 'how long to wait until no payment moves any more, 30 by default; 0 reports at once',
    },
    checkpoint: {
      type: 'string',
      value: 'FILE',
      about: 'write what this run proved to a file, if it finds no violations',
    },
    since: {
      type: 'string',
      value: 'FILE',
      about: 'prove that the checkpoint in this file still holds, then check what came after it',
    },
  },
  positionals: { min: 0, max: 0 },
  async run(invocation) {
    const { values } = invocation
    const seconds = integerOption(values, 'wait', { min: 0, max: 3_600 }, 30)
    const from = optionalText(values, 'since')
    const to = optionalText(values, 'checkpoint')
    const system = await findSystem(invocation)
    const [{ readCheckpoint, requireSecret, writeCheckpoint }, { verifySystem }] =
      await Promise.all([import('../verify/checkpoint.ts'), import('../verify/verify-system.ts')])
    const { secret } = system.client
    // Before the run, which may take hours.
    if (to !== undefined) requireSecret(secret)
    const since = from === undefined ? undefined : await readCheckpoint(from, secret)
    const options = { since, mark: to !== undefined }
    const { ok, activity, checks, open, checkpoint } = await verifySystem(
      system,
      seconds * 1_000,
      options,
    ).catch((error: unknown) => {
      if (!isConnectionFault(error)) throw error
      throw new UnreachableError('a database is unreachable', { cause: error })
    })
    if (activity === 'busy' && seconds > 0) {
      note(`caudal: the system was still busy after ${seconds} s`)
    }
    if (invocation.json) printJson({ ok, activity, checks, ...(open && { open }) })
    for (const check of checks) printCheck(check, invocation)
    if (open) printOpen(open, invocation)
    if (to !== undefined && checkpoint) await writeCheckpoint(to, checkpoint, secret)
    else if (to !== undefined) note('caudal: no checkpoint was written, since there are violations')
    return ok ? EXIT.done : EXIT.no
  },
}

function printCheck(report: CheckReport, invocation: Invocation): void {
  const { name, checked, violations, skipped } = report
  const label = name.padEnd(NAME_WIDTH)
  if (skipped !== undefined) {
    printLine(`--  ${label} not running: ${skipped.join(', ')}`, invocation)
    return
  }
  const { violation_count: count, under_way: underWay = 0 } = report
  const counts = [
    `${checked} checked`,
    ...(count > 0 ? [`${count} violations`] : []),
    ...(underWay > 0 ? [`${underWay} under way`] : []),
  ]
  printLine(`${count === 0 ? 'ok ' : 'NO '} ${label} ${counts.join(', ')}`, invocation)
  for (const violation of violations) printLine(`      ${violation}`, invocation)
}

function printOpen(open: Open, invocation: Invocation): void {
  const print = (what: string, { count, oldest_seconds: age, payment_ids: ids }: OpenPayments) => {
    if (count === 0) return
    const line = `open ${what.padEnd(NAME_WIDTH - 1)} ${count} payments, the oldest for ${age} s`
    printLine(line, invocation)
    for (const id of ids) printLine(`      payment ${id}`, invocation)
  }
  print('in_doubt', open.in_doubt)
  print('unfinished', open.unfinished)
}
