import type { CliCommand } from '../command.ts'
import { UsageError } from '../errors.ts'

/** The options of each action. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  list: ['service', 'kind', 'limit'],
  show: [],
  redrive: ['reason', 'actor'],
  discard: ['reason', 'actor'],
}

/** `caudal dlq`: parked records of all services, and what an operator decides about them. */
export const dlq: CliCommand = {
  summary: 'list parked records, show one, retry them (redrive) or give them up (discard)',
  usage:
    'dlq list [--service S] [--kind waiting|newer|unprocessable] [--limit 100] | show ID' +
    ' | redrive ID... --reason R [--actor A] | discard ID... --reason R [--actor A]',
  arguments: [['ID', 'a parked record, as list prints it: SERVICE:TOPIC:PARTITION:OFFSET']],
  options: {
    service: { type: 'string', value: 'S', about: 'list: only records of this service' },
    kind: {
      type: 'string',
      value: 'KIND',
      about:
        'list: only records that wait for an earlier one (waiting), that a later release ' +
        'wrote (newer), or that need an operator (unprocessable)',
    },
    limit: { type: 'string', value: 'N', about: 'list: at most N records, 100 by default' },
    reason: { type: 'string', value: 'R', about: 'redrive, discard: why; kept with the record' },
    actor: {
      type: 'string',
      value: 'A',
      about: 'redrive, discard: the id of who decided, never a name; by default your uid here',
    },
  },
  positionals: { min: 1, max: 1_000 },
  async run(invocation) {
    const [action = '', ...ids] = invocation.positionals
    const allowed = OPTIONS[action]
    if (allowed === undefined || (action === 'list' && ids.length > 0)) {
      throw new UsageError(`usage: caudal ${dlq.usage}`)
    }
    for (const name of Object.keys(dlq.options)) {
      if (invocation.values[name] !== undefined && !allowed.includes(name)) {
        throw new UsageError(`--${name} is no option of dlq ${action}`)
      }
    }
    const { runDlq } = await import('../dlq/run-dlq.ts')
    return runDlq(invocation)
  },
}
