import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { freePorts } from '@caudal/local-postgres/free-port.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { startKafka } from '../../tools/kafka/start-kafka.ts'

const START = `
  const { startKafka } = await import('./tools/kafka/start-kafka.ts')
  const kafka = await startKafka()
  console.log(JSON.stringify({ pid: kafka.node(1).pid }))`

test('a broker ends when the process that started it is killed', async () => {
  const owner = spawn(process.execPath, ['--input-type=module', '-e', START], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(owner.stdout, 'data')) as [Buffer]
  const { pid } = JSON.parse(line.toString()) as { pid: number }
  assert.ok(isAlive(pid))
  owner.kill('SIGKILL')
  await eventually(() => !isAlive(pid), { label: 'the broker ends' })
})

test('a killed node restarts at the same address, and stop leaves no process running', async () => {
  const kafka = await startKafka()
  const { pid } = kafka.node(1)
  await kafka.node(1).kill()
  assert.equal(kafka.node(1).pid, undefined)
  await kafka.node(1).start()
  assert.notEqual(kafka.node(1).pid, pid)
  const topics = ['--bootstrap-server', kafka.brokers.join(','), '--list']
  assert.equal(await kafka.tool('org.apache.kafka.tools.TopicCommand', topics), '\n')
  await kafka.stop()
  assert.equal(kafka.node(1).pid, undefined)
})

test('a start with a port that is in use is retried with other ports', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  const { port: taken } = other.address() as AddressInfo
  let asked = 0
  const kafka = await startKafka({
    findPorts: async (count) => {
      asked += 1
      const ports = await freePorts(count)
      return asked === 1 ? [taken, ...ports.slice(1)] : ports
    },
  })
  t.after(() => kafka.stop())
  assert.equal(asked, 2)
  assert.ok(kafka.brokers.every((broker) => !broker.endsWith(`:${taken}`)))
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
