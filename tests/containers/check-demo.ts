import { text } from 'node:stream/consumers'

/** Fails unless the report of `caudal demo --json` on stdin has this many completed payments. */
const [expected] = process.argv.slice(2).map(Number)
// Compose may print lines of its own before.
const line = (await text(process.stdin)).split('\n').find((one) => one.startsWith('{')) ?? '{}'
const { completed, lost, duplicated } = JSON.parse(line) as Record<string, number>
const isComplete = completed === expected && lost === 0 && duplicated === 0
process.stdout.write(`  ${completed} of ${expected} payments completed\n`)
process.exitCode = isComplete ? 0 : 1
