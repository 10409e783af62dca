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
// Below the ports that everybody else is given.
let next = randomInt(10_000, 12_000 - 3 * SIZE)

test('a port is given out once, though nobody listens at it yet', async () => {
  const range = someRange()
  assert.deepEqual(await take(range, SIZE), allOf(range))
  await assert.rejects(freePort(range), /no free port from/)
})

test('a port that another process has been given is not given out while that lives', async () => {
  const range = someRange()
  assert.deepEqual(await takeElsewhere(range, SIZE), allOf(range))
  // That process has ended.
  const [own] = await take(range, 1)
  const others = await takeElsewhere(range, SIZE - 1)
  assert.deepEqual(new Set([own, ...others]), new Set(allOf(range)))
  await assert.rejects(takeElsewhere(range, SIZE), /no free port from/)
})

test('a port at which somebody listens is not given out until it is left', async (t) => {
  const range = someRange()
  const server = createServer().listen(range.lowest, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  assert.deepEqual(await take(range, SIZE - 1), allOf(range).slice(1))
  await assert.rejects(freePort(range), /no free port from/)
  server.close()
  await once(server, 'close')
  assert.equal(await freePort(range), range.lowest)
})

/** Few ports, each time others: what a test was given stays reserved until the process ends. */
function someRange(): PortRange {
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

async function takeElsewhere(range: PortRange, count: number): Promise<number[]> {
  const program = `
    const { freePort } = await import(${JSON.stringify(import.meta.resolve('./free-port.ts'))})
    const ports = await Promise.all(
      Array.from({ length: ${count} }, () => freePort(${JSON.stringify(range)})),
    )
    console.log(JSON.stringify(ports.toSorted()))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program])
  return JSON.parse(stdout) as number[]
}
