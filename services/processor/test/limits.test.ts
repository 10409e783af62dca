import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test, type TestContext } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { call } from './call.ts'
import { fileScope, fundsReserved, world } from './world.ts'

const it = await world(fileScope(after))

type Psp = { url: string; waiting: ServerResponse[]; most: () => number; refuse: boolean }

/** A PSP that leaves requests open until the test ends them, or refuses the credentials. */
async function patientPsp(t: TestContext): Promise<Psp> {
  const waiting: ServerResponse[] = []
  let most = 0
  const server: Server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (psp.refuse) return void response.writeHead(401).end('{}')
      waiting.push(response)
      most = Math.max(most, waiting.length)
    })
    response.on('close', () => {
      const index = waiting.indexOf(response)
      if (index >= 0) waiting.splice(index, 1)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  const psp: Psp = { url, waiting, most: () => most, refuse: false }
  return psp
}

test('F7: the limits of concurrent requests and of waiting payments hold, and the others stay in the log', async (t) => {
  const psp = await patientPsp(t)
  const service = await it.start({
    CAUDAL_PSP_URL: psp.url,
    CAUDAL_PSP_MAX_REQUESTS: '8',
    CAUDAL_PSP_MAX_WAITING: '10',
    // None may end during the count.
    CAUDAL_PSP_TIMEOUT: '30s',
  })
  t.after(() => service.stop())
  await it.reserve(Array.from({ length: 40 }, () => fundsReserved()))
  await eventually(() => psp.waiting.length === 7)
  // One of eight places is left to others, and payments that wait for a place are recorded.
  await eventually(async () => (await recorded()) === 17)
  assert.equal(psp.most(), 7)
  await it.reserve([fundsReserved('other', { tenant_id: 'other' })])
  psp.waiting[0]!.destroy()
  await eventually(async () => (await recorded()) > 17)
  assert.ok((await recorded()) <= 18)
})

async function recorded(): Promise<number> {
  const { rows } = await it.db.query('SELECT count(*)::int AS count FROM payments')
  return rows[0].count
}

test('P5: a payment waits while the PSP answers 401, and ends once it accepts the credentials', async (t) => {
  const psp = await patientPsp(t)
  psp.refuse = true
  const first = await it.start({ CAUDAL_PSP_URL: psp.url, CAUDAL_PSP_REFUSED_PAUSE: '200ms' })
  const event = fundsReserved()
  await it.reserve([event])
  await eventually(async () => {
    const { rows } = await it.db.query(
      `SELECT FROM attempts WHERE payment_id = $1 AND status = 'MISCONFIGURED'`,
      [event.payment_id],
    )
    return rows.length >= 5
  })
  assert.deepEqual(await it.resultsOf(event.payment_id), [])
  const metrics = await call(`${first.url}/metrics`)
  assert.match(metrics.text, /psp_misconfigured_total\{.*error_class="http_401".*\} \d/)
  await first.stop()
  await it.behave({})
  const second = await it.start()
  assert.equal((await it.final(event.payment_id)).event_type, 'payment.completed')
  await second.stop()
})
