import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { connectAsAdmin } from '../support/database-server.ts'
import { dataDirectory } from '../support/launch-system.ts'
import type { Service } from '../support/processes/plan-processes.ts'
import { runProcesses } from '../support/processes/run-processes.ts'
import {
  paymentWithStatus,
  postPayment,
  seed,
  type SeededUser,
  setBehaviour,
  violationsOf,
} from '../support/user-client.ts'
import { makeLaterRelease } from './later-release.ts'

const CONSUMERS = ['payments', 'wallets', 'processor', 'orders', 'notifications'] as const
const USERS = 4

/** The parked records of a service, as `type kind`, each once; those that are open, or all. */
async function parkedIn(dataDir: string, service: string, which: 'open' | 'all') {
  const admin = await connectAsAdmin(dataDir, `caudal_${service}`)
  const { rows } = await admin.query<{ parked: string }>(
    `SELECT DISTINCT (value::jsonb ->> 'event_type') || ' ' || kind AS parked FROM parked_records
     WHERE $1 OR resolved_at IS NULL ORDER BY parked`,
    [which === 'all'],
  )
  await admin.end()
  return rows.map(({ parked }) => parked)
}

/** The `schema_version` of events of a type that a service has emitted. */
async function emitted(dataDir: string, service: string, type: string): Promise<string[]> {
  const admin = await connectAsAdmin(dataDir, `caudal_${service}`)
  const { rows } = await admin.query<{ version: string }>(
    `SELECT DISTINCT payload::jsonb ->> 'schema_version' AS version FROM outbox
     WHERE payload::jsonb ->> 'event_type' = $1 ORDER BY version`,
    [type],
  )
  await admin.end()
  return rows.map(({ version }) => version)
}

async function orderStatuses(dataDir: string): Promise<Record<string, number>> {
  const admin = await connectAsAdmin(dataDir, 'caudal_orders')
  const { rows } = await admin.query<{ status: string; orders: number }>(
    'SELECT status, count(*)::int AS orders FROM orders GROUP BY status ORDER BY status',
  )
  await admin.end()
  return Object.fromEntries(rows.map(({ status, orders }) => [status, orders]))
}

test(
  'a release and the one after it work side by side, in any order of deploys',
  SLOW,
  async (t) => {
    const [dataDir, later] = await Promise.all([dataDirectory(t), makeLaterRelease(t)])
    const system = await runProcesses({ dataDir, roots: { payments: later } })
    t.after(async () => void (await system.stop()))
    const gatewayUrl = system.state.gateway_url!
    await setBehaviour(system.state.psp_url!, { default: 'approve', latency_ms: 5 })
    const users = await seed(dataDir, { users: USERS, orders: 2 })
    const pay = (order: number) =>
      Promise.all(
        users.map(async (user) => {
          const { body } = await postPayment(
            gatewayUrl,
            user,
            user.orders[order]!.external_order_id,
          )
          return { user, id: body['payment_id'] as string }
        }),
      )
    const reach = (payments: { user: SeededUser; id: string }[], status: string) =>
      Promise.all(payments.map(({ user, id }) => paymentWithStatus(gatewayUrl, user, id, [status])))
    const deploy = (service: Service) => system.of(service)[0]!.deploy(later)

    // The later payments emits a newer patch and a new type to wallets, which reads the one and
    // skips the other; a newer minor to orders and notifications, which wait for their deploy.
    const first = await pay(0)
    await reach(first, 'COMPLETED')
    assert.deepEqual(await emitted(dataDir, 'payments', 'payment.requested'), ['1.1.1'])
    assert.deepEqual(await emitted(dataDir, 'wallets', 'funds.reserved'), ['1.1.0'])
    assert.deepEqual(await parkedIn(dataDir, 'wallets', 'all'), [])
    await eventually(async () => {
      assert.deepEqual(await parkedIn(dataDir, 'orders', 'open'), ['payment.finalized newer'])
      const waiting = ['demo.noted newer', 'payment.finalized newer']
      assert.deepEqual(await parkedIn(dataDir, 'notifications', 'open'), waiting)
      return true
    })
    assert.deepEqual(await orderStatuses(dataDir), { UNPAID: 2 * USERS })

    // The later wallets emits a newer minor, for which the processor waits.
    await deploy('wallets')
    const second = await pay(1)
    await reach(second, 'RESERVED')
    await eventually(async () => {
      assert.deepEqual(await parkedIn(dataDir, 'processor', 'open'), ['funds.reserved newer'])
      return true
    })
    assert.deepEqual(await emitted(dataDir, 'wallets', 'funds.reserved'), ['1.1.0', '1.2.0'])

    await Promise.all((['processor', 'orders', 'notifications'] as const).map(deploy))
    await reach(second, 'COMPLETED')
    await eventually(async () => {
      for (const service of CONSUMERS) {
        assert.deepEqual(await parkedIn(dataDir, service, 'open'), [], service)
      }
      assert.deepEqual(await orderStatuses(dataDir), { PAID: 2 * USERS })
      return true
    })
    for (const service of CONSUMERS) {
      const parked = await parkedIn(dataDir, service, 'all')
      assert.ok(!parked.some((one) => one.endsWith('unprocessable')), parked.join(', '))
    }
    assert.deepEqual(await violationsOf(dataDir), [])
  },
)
