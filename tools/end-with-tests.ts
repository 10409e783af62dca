import { afterEach, beforeEach } from 'node:test'

/**
 * Loaded into every test process. Node's runner waits for ever on a file whose tests have ended
 * while something it opened is still open; this ends the file as failed and lists what is open.
 *
 * The time runs while hooks work as well: those of a test, the last ones of its suite, and the
 * first ones of the next suite. A hook may stop a whole system, or start one, on a slow machine.
 */
const LINGER_MS = 180_000
let timer: NodeJS.Timeout | undefined

/** An unreferenced timer: in a process with nothing else open it never fires. */
function expectTheEnd(): void {
  // A test with subtests comes here after each of them and once more itself.
  clearTimeout(timer)
  timer = setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(', ')
    console.error(`The tests of ${process.argv[1]} have ended, but these are still open: ${open}`)
    process.exit(1)
  }, LINGER_MS).unref()
}

// The runner itself, which starts the test processes, loads this file too.
if (process.env['NODE_TEST_CONTEXT'] !== undefined) {
  beforeEach(() => clearTimeout(timer))
  afterEach(expectTheEnd)
}
