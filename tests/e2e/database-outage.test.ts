import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { removeLocalPostgres } from '@caudal/local-postgres/remove-local-postgres.ts'
import { startLocalPostgres } from '@caudal/local-postgres/start-local-postgres.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { readSystemState } from 'caudal/system/state-file.ts'
import { request } from 'undici'
import { dataDirectory, launchSystem } from '../support/launch-system.ts'
import { silentLogger } from '../support/silent-logger.ts'
import { paymentWithStatus, postPayment, seed } from '../support/user-client.ts'

const REQUESTS = 400
/** Of one kind of line so many are written, and then one in each interval. */
const LINES_AT_ONCE = 5
const INTERVAL_MS = 10_000

type Line = Record<string, unknown> & {
  service?: string
  level?: string
  err?: { code?: string }
}
type Ready = { status: string; checks: Record<string, { status: string; detail?: string }> }

test(
  'in a database outage the log stays short, the gateway knows, and no gauge is old',
  SLOW,
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'caudal-test-outage-'))
    await chmod(folder, 0o711)
    const postgres = { dataDir: join(folder, 'postgres'), throwaway: true, logger: silentLogger }
    const server = await startLocalPostgres(postgres)
    t.after(() =>
      t.after(async () => {
        await removeLocalPostgres(postgres)
        await rm(folder, { recursive: true, force: true })
      }),
    )
    const dataDir = await dataDirectory(t)
    const env = { DATABASE_URL: server.appUrl, CAUDAL_MIGRATION_DATABASE_URL: server.ownerUrl }
    const system = await launchSystem(t, { dataDir, env })
    const lines: Line[] = []
    system.onLog((line) => lines.push(JSON.parse(line) as Line))
    const [user] = await seed(dataDir, { orders: 1 })
    const { body } = await postPayment(system.gateway_url, user!)
    await paymentWithStatus(system.gateway_url, user!, String(body['payment_id']), ['COMPLETED'])
    const { operations } = (await readSystemState(dataDir))!
    assert.match(await scrape(operations['payments']!), /^payments_under_way/m)

    const startedAt = performance.now()
    await server.stop()
    await eventually(async () => (await ready(system.gateway_url)).status === 'degraded')
    for (let index = 0; index < REQUESTS; index++) {
      assert.equal((await postPayment(system.gateway_url, user!)).status, 503)
    }
    const { checks } = await ready(system.gateway_url)
    assert.deepEqual(checks['payments'], { status: 'warn', detail: 'is not ready: database' })
    // The last fault of the relay may be that the database shuts down, until it tries again.
    await eventually(async () => {
      const own = (await ready(operations['payments']!)).checks
      for (const part of ['database', 'relay']) {
        assert.match(own[part]!.detail!, /ECONNREFUSED|ENOENT/, part)
      }
      return true
    })

    const during = await scrape(operations['payments']!)
    assert.doesNotMatch(during, /^(payments_under_way|outbox_unpublished|consumer_lag_records)/m)
    assert.match(during, /^http_requests_total/m)

    const warned = lines.filter(({ level }) => level === 'warn' || level === 'error')
    t.diagnostic(`${warned.length} warnings and errors for ${REQUESTS} requests`)
    const most = LINES_AT_ONCE + Math.ceil((performance.now() - startedAt) / INTERVAL_MS)
    const kinds = Map.groupBy(warned, ({ service, message, route, err }) =>
      [service, message, route, err?.code].join(' '),
    )
    const many = [...kinds].filter(([, all]) => all.length > most)
    assert.deepEqual(
      many.map(([kind, all]) => `${all.length} ${kind}`),
      [],
    )
    assert.equal(warned.filter(({ service }) => service === 'api-gateway').length, 1)
    const stacks = warned.filter((line) => JSON.stringify(line).includes('"stack"'))
    assert.deepEqual(stacks, [], 'known faults have no stack')
  },
)

async function ready(url: string): Promise<Ready> {
  return (await (await request(`${url}/readyz`)).body.json()) as Ready
}

async function scrape(url: string): Promise<string> {
  return (await request(`${url}/metrics`)).body.text()
}
