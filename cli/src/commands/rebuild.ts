import type { CliCommand } from '../command.ts'
import { UsageError } from '../errors.ts'
import { EXIT } from '../exit-code.ts'
import { printJson, printLine } from '../output.ts'
import { textOption } from '../parse-options.ts'
import { findSystem } from '../system/find-system.ts'
import { SERVICE_ENTRIES } from '../system/services.ts'

const DATABASE = /^[a-z][a-z0-9_]{0,62}$/

/** `caudal rebuild`: rebuilds the ledger from its events. Exits with 1 if events are missing. */
export const rebuild: CliCommand = {
  summary: 'rebuild the ledger from its events into a new database and report missing events',
  usage: 'rebuild --into DATABASE',
  options: {
    into: {
      type: 'string',
      value: 'DATABASE',
      about: 'the database to make on the server of the system, or an empty one there',
    },
  },
  positionals: { min: 0, max: 0 },
  async run(invocation) {
    const database = textOption(invocation.values, 'into')
    if (!DATABASE.test(database)) {
      throw new UsageError('--into: a name may have lower-case letters, digits and underscores')
    }
    const { refuseTarget } = await import('../system/rebuild-target.ts')
    refuseTarget(database, [...SERVICE_ENTRIES.keys()])
    const system = await findSystem(invocation)
    const { rebuildInto } = await import('../rebuild/rebuild-into.ts')
    const { events, transfers, gaps } = await rebuildInto(system, database)
    const ok = gaps.length === 0
    if (invocation.json) printJson({ ok, database, events, transfers, gaps })
    const counts = `${events} events, ${transfers} transfers`
    printLine(`${ok ? 'ok ' : 'NO '} ${database}: ${counts}`, invocation)
    for (const gap of gaps) printLine(`      ${gap}`, invocation)
    return ok ? EXIT.done : EXIT.no
  },
}
