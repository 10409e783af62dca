// `npm run check`: every gate at once; what the failing ones say, then one line for each.
import { GATES, runGate } from './gates.ts'

const verdicts = await Promise.all(GATES.map((gate) => runGate(gate)))
const failed = verdicts.filter(({ passed }) => !passed)

for (const { gate, output } of failed) console.log(`── ${gate.name}\n${output.trim()}\n`)
for (const { gate, passed, durationMs } of verdicts) {
  const seconds = (durationMs / 1000).toFixed(1)
  console.log(`${passed ? 'passed' : 'FAILED'}  ${gate.name.padEnd(8)} ${seconds} s`)
}
console.log(
  failed.length === 0 ? 'All gates passed.' : `${failed.length} of ${GATES.length} failed.`,
)
process.exitCode = failed.length === 0 ? 0 : 1
