import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createServer } from '@caudal/http/create-server.ts'
import { parseStrictJson, type StrictJsonOptions } from '@caudal/http/parse-strict-json.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { SERVICE_ROUTES, type ServiceRoutes } from './reference/service-routes.ts'

/** So much takes less than 50 ms on a slow core, also the first time (ADR 0026). */
const MOST_VALUES = 36_000
const MOST_BYTES = 2 * 1024 * 1024

interface Limited {
  route: string
  bytes: number
  options: StrictJsonOptions & { maxValues: number }
}

async function limitedRoutes({ service, add }: ServiceRoutes): Promise<Limited[]> {
  const logger = createLogger({ service, level: 'silent' })
  const app = createServer({ name: service, logger, metrics: createMetrics(service) })
  const routes: Limited[] = []
  app.addHook('onRoute', ({ method, url, schema, bodyLimit, config }) => {
    if (schema?.body === undefined) return
    const { maxValues = Infinity, integers = 'number' } = config ?? {}
    const route = `${service}: ${String(method)} ${url}`
    routes.push({ route, bytes: bodyLimit ?? Infinity, options: { maxValues, integers } })
  })
  for (const addRoutes of add) addRoutes(app)
  await app.ready()
  await app.close()
  return routes
}

/** Documents of as many values as fit, of each kind that takes long. */
function worstBodies(bytes: number): string[] {
  const list = (item: string) =>
    `[${item},`.repeat(1) + `${item},`.repeat(bytes / (item.length + 1))
  const numbers = ['1', '1.5', '{}', '""', '{"a":{}}'].map((item) => `${list(item).slice(0, -1)}]`)
  const names = Array.from({ length: bytes / 12 }, (_, index) => `"k${index}":1`)
  return [...numbers, `{${names.join(',')}}`]
}

test('no body of any route has more values than can be read within 50 ms', async () => {
  const routes = (await Promise.all(SERVICE_ROUTES.map(limitedRoutes))).flat()
  assert.ok(routes.length > 15, 'the routes with bodies are found')
  for (const { route, bytes, options } of routes) {
    assert.ok(bytes <= MOST_BYTES, `${route} reads ${bytes} bytes`)
    assert.ok(options.maxValues <= MOST_VALUES, `${route} parses ${options.maxValues} values`)
  }
  for (const { route, bytes, options } of routes) {
    for (const body of worstBodies(bytes)) {
      const read = () => parseStrictJson(Buffer.from(body), options)
      assert.throws(read, /more values than/, `${route}: ${body.slice(0, 20)}…`)
    }
  }
})

test('a body of a payment has a few kilobytes, and one of a batch two megabytes', async () => {
  const routes = (await Promise.all(SERVICE_ROUTES.map(limitedRoutes))).flat()
  const bytesOf = (wanted: string) => routes.find(({ route }) => route === wanted)?.bytes
  assert.equal(bytesOf('api-gateway: POST /api/v1/payments'), 4_096)
  assert.equal(bytesOf('payments: POST /v1/payments'), 4_096)
  assert.equal(bytesOf('wallets: POST /v1/batch'), 2 * 1024 * 1024)
})
