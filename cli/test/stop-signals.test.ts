// A command that cleans up after the first signal, in a process of its own: what a signal that
// follows does to it. The command's clock is an input, so that no machine is too slow.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'

const SOURCE = pathToFileURL(join(import.meta.dirname, '../src/stop-signals.ts')).href

/** Starts a command whose clock moves by `stepMs` at each signal, and interrupts it once. */
async function interruptCommand(t: TestContext, { stepMs }: { stepMs: number }) {
  const script = `
    import { createInterface } from 'node:readline'
    import { watchStopSignals } from '${SOURCE}'
    let nowMs = 0
    const signals = watchStopSignals('interrupted', () => (nowMs += ${stepMs}))
    const input = createInterface({ input: process.stdin })
    console.log('running')
    console.log(await signals.first, signals.aborted.reason.message)
    await new Promise((resolve) => input.once('line', resolve))
    console.log('cleaned up')
    input.close()
    signals.release()`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async (): Promise<unknown> => (await lines.next()).value
  assert.equal(await line(), 'running')
  child.kill('SIGINT')
  assert.equal(await line(), 'SIGINT interrupted')
  return { child, line }
}

async function endOf(child: ChildProcess) {
  const [code, signal] = await once(child, 'exit')
  return { code, signal }
}

test('a signal that follows at once is the same Ctrl-C, and the command cleans up', async (t) => {
  const { child, line } = await interruptCommand(t, { stepMs: 1 })
  child.kill('SIGINT')
  child.stdin.write('go on\n')
  assert.equal(await line(), 'cleaned up')
  assert.deepEqual(await endOf(child), { code: null, signal: 'SIGINT' })
})

test('a later signal ends a command that still cleans up', async (t) => {
  const { child } = await interruptCommand(t, { stepMs: 2_000 })
  child.kill('SIGTERM')
  assert.deepEqual(await endOf(child), { code: 143, signal: null })
})
