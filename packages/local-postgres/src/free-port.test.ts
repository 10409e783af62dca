import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { freePort, type PortRange } from './free-port.ts'

const run = promisify(execFile)
const SIZE = 3
// Below the default range, so that other tests do not get these ports.
let next = randomInt(10_000, 12_000 - 3 * SIZE)

test('a port is allocated once, even if nothing listens on it yet', async () => {
  const range = newRange()
  assert.deepEqual(await take(range, SIZE), allOf(range))
  await assert.rejects(freePort(range), /no free port from/)
})

test('a port allocated by another process is not allocated again while that process runs', async () => {
  const range = newRange()
  assert.deepEqual(await takeInChild(range, SIZE), allOf(range))
  // The other process has ended, so its ports are free again.
  const [own] = await take(range, 1)
  const others = await takeInChild(range, SIZE - 1)
  assert.deepEqual(new Set([own, ...others]), new Set(allOf(range)))
  await assert.rejects(takeInChild(range, SIZE), /no free port from/)
})

test('a port with a listener is not allocated until the listener closes', async (t) => {
  const range = newRange()
  const server = createServer().listen(range.lowest, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  assert.deepEqual(await take(range, SIZE - 1), allOf(range).slice(1))
  await assert.rejects(freePort(range), /no free port from/)
  server.close()
  await once(server, 'close')
  assert.equal(await freePort(range), range.lowest)
})

/** A new small range for each test, since allocated ports stay reserved until the process ends. */
function newRange(): PortRange {
  const lowest = next
  next += SIZE
  return { lowest, highest: lowest + SIZE }
}

function allOf({ lowest }: PortRange): number[] {
  return Array.from({ length: SIZE }, (_, index) => lowest + index)
}

async function take(range: PortRange, count: number): Promise<number[]> {
  const ports = await Promise.all(Array.from({ length: count }, () => freePort(range)))
  return ports.toSorted((a, b) => a - b)
}

async function takeInChild(range: PortRange, count: number): Promise<number[]> {
  const program = `
    const { freePort } = await import(${JSON.stringify(import.meta.resolve('./free-port.ts'))})
    const ports = await Promise.all(
      Array.from({ length: ${count} }, () => freePort(${JSON.stringify(range)})),
    )
    console.log(JSON.stringify(ports.toSorted()))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program])
  return JSON.parse(stdout) as number[]
}
