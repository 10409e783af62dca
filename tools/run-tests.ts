import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'

/**
 * `npm test [-- path… --node-test-option…]`: runs the test files whose path begins with or contains
 * one of the words, all by default, by Node's own test runner. `npm run test:kafka` does so with
 * those that need a real Kafka, and therefore Java and Maven.
 */
const ROOT = resolve(import.meta.dirname, '..')
const ALL = ['{packages,services,simulators,cli,tools}/**/*.test.ts', 'tests/**/*.test.ts']
const ON_KAFKA = ['tests/kafka/**/*.test.ts']
/** Whole systems, with brokers of their own and a dozen processes or more: one at a time. */
const LARGE =
  /^tests\/kafka\/(?:broker-faults|compose|end-to-end|money-comes-back|move-log|process-faults)\./
const LEFT_OUT = /(^|\/)(node_modules|fixtures)(\/|$)/
/** For one test that hangs; a test of whole systems has more (packages/testing/src/slow.ts). */
const TEST_TIMEOUT_MS = 300_000

const onKafka = process.argv[2] === '--kafka'
const words = process.argv.slice(onKafka ? 3 : 2)
const options = words.filter((word) => word.startsWith('-'))
const filters = words.filter((word) => !word.startsWith('-')).map(toRelative)
const patterns = onKafka ? ON_KAFKA : ALL

const files = patterns
  .flatMap((pattern) => globSync(pattern, { cwd: ROOT }))
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => !LEFT_OUT.test(file) && file.startsWith('tests/kafka/') === onKafka)
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .toSorted()

if (files.length === 0) {
  console.error(`No test file matches ${filters.join(' ') || patterns.join(' ')}`)
  process.exit(2)
}
let child: ChildProcess | undefined
// The terminal sends Ctrl-C to the child as well; it stops the database, and we wait for that.
let interrupted = false
process.on('SIGINT', () => (interrupted = true))
process.on('SIGTERM', () => {
  interrupted = true
  child?.kill('SIGTERM')
})
const together = Math.max(2, availableParallelism())
const failures = [
  await runTests(
    files.filter((file) => LARGE.test(file)),
    1,
  ),
  await runTests(
    files.filter((file) => !LARGE.test(file)),
    onKafka ? 2 : together,
  ),
]
process.exitCode = interrupted ? 1 : Math.max(...failures)

/** Paths may be given as the shell completes them: relative to where the user stands. */
function toRelative(word: string): string {
  const path = relative(ROOT, resolve(process.env['INIT_CWD'] ?? process.cwd(), word))
  return path.startsWith('..') || path === '' ? word : path.replaceAll('\\', '/')
}

/** Returns the exit code of Node's runner; 0 if there is nothing to run. */
async function runTests(paths: string[], concurrency: number): Promise<number> {
  if (paths.length === 0 || interrupted) return 0
  const args = [
    '--test',
    '--import=./tools/end-with-tests.ts',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    ...(paths.some(needsPostgres) ? ['--test-global-setup=tools/test-setup.ts'] : []),
    ...options,
    ...paths,
  ]
  child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/compile') },
  })
  await once(child, 'exit')
  return child.exitCode ?? 1
}

/** Tests beside the code need nothing, nor do those of the tools. */
function needsPostgres(file: string): boolean {
  return !file.includes('/src/') && !file.startsWith('tools/')
}
