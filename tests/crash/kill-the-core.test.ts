import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ACCESS } from '@caudal/contracts/service-access.ts'
import { freePort } from '@caudal/local-postgres/free-port.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import { dataDirectory, launchSystem, type LaunchedSystem } from '../support/launch-system.ts'
import {
  allWithStatus,
  countCharges,
  postPayment,
  seed,
  type SeededUser,
  setBehaviour,
  violationsOf,
} from '../support/user-client.ts'

/** These services share a process that is killed; the others keep running. */
const CORE = ['payments', 'wallets', 'processor']
const OTHERS = ['psp', 'push', 'identity', 'orders', 'notifications', 'api-gateway']
const KILLS = 3
const USERS = 10
const ORDERS = 30
const SENDERS = 8
const PSP = { CAUDAL_PSP_TIMEOUT: '1s', CAUDAL_PSP_CONNECT_TIMEOUT: '500ms' }

test(
  'P9: payments, wallets and processor are killed and restarted under load, and no payment is lost',
  SLOW,
  async (t) => {
    const addresses = await coreAddresses()
    // The started commands and the helpers in this process read the addresses from the environment.
    Object.assign(process.env, addresses.urls)
    const dataDir = await dataDirectory(t)
    const others = await launchSystem(t, { dataDir, args: [...OTHERS, '--embedded'] })
    const env = { ...PSP, ...addresses.ports, ...(await environmentOf(dataDir)) }
    const coreDir = await dataDirectory(t)
    const startCore = () => launchSystem(t, { dataDir: coreDir, args: CORE, env })
    let core = await startCore()
    await setBehaviour(others.psp_url, { latency_ms: 50 })
    const users = await seed(dataDir, { users: USERS, orders: ORDERS, balance: '1000.00' })

    const sending = sendAll(others, users)
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const before = sending.answered()
      await eventually(() => sending.answered() > before || sending.left() === 0)
      await delay(Math.random() * 500) // the moment of the crash, not a synchronisation
      await core.kill()
      t.diagnostic(`killed with ${sending.answered()} accepted, ${sending.left()} left`)
      core = await startCore()
    }
    await sending.ended
    t.diagnostic(`${sending.refused()} requests got 503 and were repeated`)
    assert.ok(
      sending.refused() > 0,
      'no request failed because of a kill, so the fault did not occur',
    )

    for (const user of users) {
      const ended = await allWithStatus(others.gateway_url, user, ['COMPLETED'])
      assert.equal(ended.length, ORDERS)
    }
    const charges = await countCharges(others.psp_url)
    assert.equal(charges.size, USERS * ORDERS)
    assert.deepEqual(await violationsOf(dataDir), [])
    assert.equal(await core.stop(), 0)
    assert.equal(await others.stop(), 0)
  },
)

/** Pays every order; repeats requests that get 503 with the same idempotency key. */
function sendAll({ gateway_url: url }: LaunchedSystem, users: readonly SeededUser[]) {
  const queue = users.flatMap((user) => user.orders.map((order) => ({ user, order })))
  let answered = 0
  let refused = 0
  const sender = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { user, order } = next
      const key = randomUUID()
      await eventually(
        async () => {
          const { status, body } = await postPayment(url, user, order.external_order_id, key)
          if (status === 202) return true
          assert.deepEqual([status, body['code']], [503, 'UNAVAILABLE'])
          refused += 1
          return false
        },
        { timeoutMs: 120_000, label: 'the killed services respond again' },
      )
      answered += 1
    }
  }
  const ended = Promise.all(Array.from({ length: SENDERS }, sender))
  return { ended, answered: () => answered, refused: () => refused, left: () => queue.length }
}

/** Free ports, and the URLs that the other services use. */
async function coreAddresses() {
  const ports: Record<string, string> = {}
  const urls: Record<string, string> = {}
  for (const name of CORE) {
    const port = await freePort()
    ports[`CAUDAL_${name.toUpperCase()}_PORT`] = String(port)
    urls[`CAUDAL_${name.toUpperCase()}_URL`] = `http://127.0.0.1:${port}`
  }
  return { ports, urls }
}

/** The configuration that an operator would set: database, peers and secret. */
async function environmentOf(dataDir: string): Promise<NodeJS.ProcessEnv> {
  const read = async <T>(...path: string[]): Promise<T> =>
    JSON.parse(await readFile(join(dataDir, ...path), 'utf8')) as T
  const system = await findSystem({ dataDir, url: undefined })
  const { passwords } = await read<{ passwords: Record<string, string> }>('postgres', 'state.json')
  const secrets = await read<Record<string, string>>('secrets.json')
  const databases = (['payments', 'wallets', 'processor'] as const).flatMap((service) => {
    const { role, database } = ACCESS[service]
    const urlOf = (name: string): string => {
      const url = new URL(system.databaseUrl(name))
      url.username = role
      url.password = passwords[role]!
      return url.href
    }
    const key = service.toUpperCase()
    return [
      [`CAUDAL_${key}_DATABASE_URL`, urlOf(database)],
      [`CAUDAL_${key}_LOG_DATABASE_URL`, urlOf('caudal_log')],
    ]
  })
  return {
    ...Object.fromEntries(databases),
    CAUDAL_MIGRATION_DATABASE_URL: system.databaseUrl('postgres'),
    CAUDAL_API_GATEWAY_URL: system.gatewayUrl,
    CAUDAL_IDENTITY_URL: system.serviceUrl('identity'),
    CAUDAL_ORDERS_URL: system.serviceUrl('orders'),
    CAUDAL_PSP_URL: system.pspUrl,
    CAUDAL_PAYMENTS_CLIENT_SECRET: secrets['payments'],
  }
}
