import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { databasePid } from '../../support/database-server.ts'
import { dataDirectory, launchSystem } from '../../support/launch-system.ts'
import { mountSmallDisk, NO_SMALL_DISK } from '../../support/small-disk.ts'
import { everyPaymentCompleted, startTraffic, type Traffic } from '../../support/traffic.ts'
import { seed, violationsOf } from '../../support/user-client.ts'

const ROUNDS = ['SIGINT', 'SIGKILL', 'SIGINT', 'SIGKILL', 'SIGKILL', 'SIGINT'] as const
const PER_SECOND = 40
const DISK_MIB = 700
const FULL_MS = 3_000

/** Every accepted payment is found afterwards, whatever `disturb` does to the database. */
async function nothingAcceptedIsLost(
  t: TestContext,
  dataDir: string,
  disturb: (traffic: Traffic) => Promise<void>,
): Promise<void> {
  const system = await launchSystem(t, { dataDir })
  const users = await seed(dataDir, { users: 20, orders: 200, balance: '10000.00' })
  const traffic = startTraffic(system.gateway_url, users, { perSecond: PER_SECOND })
  await traffic.more(PER_SECOND)
  await disturb(traffic)
  await traffic.more(PER_SECOND)
  await traffic.stop()
  t.diagnostic(`${traffic.accepted()} accepted; ${[...traffic.repeated()].join(' and ')} repeated`)
  assert.ok(traffic.repeated().size > 0, 'no request failed, so the fault did not occur')
  const where = { gatewayUrl: system.gateway_url, pspUrl: system.psp_url }
  await everyPaymentCompleted(where, traffic)
  assert.deepEqual(await violationsOf(dataDir), [])
  assert.equal(await system.stop(), 0)
}

test(
  'P9: a database server that ends every 5 to 10 s loses no accepted payment',
  SLOW,
  async (t) => {
    const dataDir = await dataDirectory(t)
    await nothingAcceptedIsLost(t, dataDir, async (traffic) => {
      for (const signal of ROUNDS) {
        await delay(5_000 + Math.random() * 5_000) // the moment of the fault, not a synchronisation
        const pid = (await databasePid(dataDir))!
        process.kill(pid, signal)
        await eventually(async () => {
          const next = await databasePid(dataDir)
          return next !== undefined && next !== pid
        })
        await traffic.more(1)
      }
    })
  },
)

test(
  'P9: a database server whose disk is full loses no accepted payment',
  { ...SLOW, skip: NO_SMALL_DISK },
  async (t) => {
    const disk = await mountSmallDisk(t, DISK_MIB)
    await nothingAcceptedIsLost(t, disk.dataDir, async (traffic) => {
      await disk.fill()
      await eventually(() => traffic.repeated().size > 0, {
        timeoutMs: 60_000,
        label: 'the disk is full, and requests are refused',
      })
      await delay(FULL_MS) // how long the fault lasts
      await disk.free()
    })
  },
)
