import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { databasePid } from '../support/database-server.ts'
import { dataDirectory, launchSystem } from '../support/launch-system.ts'
import { probeRoutes } from '../support/probe-routes.ts'
import { everyPaymentCompleted, startTraffic } from '../support/traffic.ts'
import { seed, setBehaviour, violationsOf } from '../support/user-client.ts'

for (const signal of ['SIGKILL', 'SIGINT'] as const) {
  test(`P9: a database server that ${signal} ends loses no payment in flight`, SLOW, async (t) => {
    const dataDir = await dataDirectory(t)
    const system = await launchSystem(t, { dataDir })
    await setBehaviour(system.psp_url, { default: 'approve', latency_ms: 200 })
    const users = await seed(dataDir, { users: 6, orders: 40, balance: '1000.00' })
    const probes = await probeRoutes(dataDir, users[0]!)
    const traffic = startTraffic(system.gateway_url, users, { perSecond: 40 })
    await traffic.more(20)
    const pid = (await databasePid(dataDir))!
    process.kill(pid, signal)
    await eventually(async () => {
      const next = await databasePid(dataDir)
      return next !== undefined && next !== pid
    })
    await traffic.more(20)
    await traffic.stop()
    await probes.stop()
    t.diagnostic(`${probes.failures().length} probes were not served during the outage`)
    const where = { gatewayUrl: system.gateway_url, pspUrl: system.psp_url }
    await everyPaymentCompleted(where, traffic)
    const wrong = probes.failures().filter(({ status, contentType }) => {
      return status !== 503 || !/^application\/problem\+json\b/.test(contentType)
    })
    assert.deepEqual(wrong.slice(0, 5), [], 'an outage is answered with 503 and a problem')
    assert.deepEqual(await violationsOf(dataDir), [])
    assert.equal(await system.stop(), 0)
  })
}
