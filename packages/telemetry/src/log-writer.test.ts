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

/** Writes until the pipe is full, which Node makes non-blocking, and stops before it is read. */
const STOPS = `
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { createLogWriter } from '${new URL('log-writer.ts', import.meta.url).href}'
process.stderr.on('error', () => undefined)
const { promise: full, resolve: fill } = Promise.withResolvers()
const { write } = fs
fs.write = (fd, bytes, done) =>
  write(fd, bytes, (error, written) => {
    if (error !== null) fill()
    done(error, written)
  })
syncBuiltinESMExports()
const writer = createLogWriter(2)
for (let line = 0; line < 400; line += 1) writer.write(line + ' ' + 'x'.repeat(1_000) + '\\n')
await full
for (let line = 400; line < 410; line += 1) writer.write(line + ' later\\n')
process.stdout.write('stops')
writer.flush()
process.exit()`

const ARGS = ['--input-type=module', '-e', PROGRAM]

test('a process goes on when its logs are not read', async () => {
  const child = spawn(process.execPath, ARGS, { stdio: 'pipe' })
  child.stderr.destroy()
  child.stdin.end()
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  assert.deepEqual([code, stdout], [0, 'still here\n'])
})

test('a stop writes what a slow reader had no room for, in order and complete', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', STOPS], { stdio: 'pipe' })
  await once(child.stdout, 'data')
  const lines = (await text(child.stderr)).trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => Number(line.split(' ')[0])),
    Array.from({ length: 410 }, (_, index) => index),
  )
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
