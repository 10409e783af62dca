import { parseArgs } from 'node:util'
import { benchLedger } from './ledger/bench-ledger.ts'
import { describeMachine } from './machine.ts'
import { benchPayments } from './payments/bench-payments.ts'
import type { BenchOptions, Row } from './row.ts'

/** The benchmarks of `npm run bench -- <name>`. */
const SCENARIOS = new Map<string, (options: BenchOptions) => Promise<Row[]>>([
  ['payments', benchPayments],
  ['ledger', (options) => benchLedger(options)],
])

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean' },
    seconds: { type: 'string', default: '20' },
    rate: { type: 'string' },
    profile: { type: 'boolean' },
    row: { type: 'string', multiple: true, default: [] },
  },
})

const [scenario = ''] = positionals
const bench = SCENARIOS.get(scenario)
const seconds = Number(values.seconds)
const rate = values.rate === undefined ? undefined : Number(values.rate)
if (!bench || !(seconds > 0) || (rate !== undefined && !(rate > 0))) {
  const names = [...SCENARIOS.keys()].join(' | ')
  process.stderr.write(
    `usage: npm run bench -- ${names} [--json] [--seconds S] [--rate PER_SECOND] [--row NAME]… ` +
      '[--profile]\n',
  )
  process.exit(2)
}
const rows = await bench({ seconds, rate, profile: values.profile === true, rows: values.row })
const report = { scenario, machine: describeMachine(), rows }
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`)
else {
  process.stdout.write(`${JSON.stringify(report.machine)}\n`)
  console.table(rows)
}
