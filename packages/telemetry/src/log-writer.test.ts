import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'

/** Logs, and goes on when a failed write had its time to be reported. */
const PROGRAM = `
import { createLogger, flushLogs } from '${new URL('logger.ts', import.meta.url).href}'
const logger = createLogger({ service: 'payments' })
await new Promise((done) => process.stdin.once('end', done).resume())
for (let line = 0; line < 3; line += 1) {
  logger.info({ line }, 'a line')
  await new Promise((done) => setImmediate(() => setImmediate(done)))
}
flushLogs()
console.log('still here')`

const ARGS = ['--input-type=module', '-e', PROGRAM]

test('a process goes on when its logs are not read', async () => {
  const child = spawn(process.execPath, ARGS, { stdio: 'pipe' })
  child.stderr.destroy()
  child.stdin.end()
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  assert.deepEqual([code, stdout], [0, 'still here\n'])
})

test('a process goes on when the disk of its logs is full', async (t) => {
  if (process.platform !== 'linux') return t.skip('needs /dev/full of Linux')
  const full = await open('/dev/full', 'w')
  t.after(() => full.close())
  const child = spawn(process.execPath, ARGS, { stdio: ['pipe', 'pipe', full.fd] })
  child.stdin!.end()
  const [stdout, [code]] = await Promise.all([text(child.stdout!), once(child, 'exit')])
  assert.deepEqual([code, stdout], [0, 'still here\n'])
})
