import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { readConfig } from '@caudal/api-gateway/config.ts'
import { start } from '@caudal/api-gateway/main.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { startTestIssuer } from '@caudal/http/start-test-issuer.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { request } from 'undici'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

/** A rate so low that tests see only the burst. */
const LIMITS = { CAUDAL_GATEWAY_RATE_PER_SECOND: '1', CAUDAL_GATEWAY_RATE_BURST: '20' }
/** How many tokens the rate may add during a test on a slow machine. */
const SLACK = 10

type Gateway = {
  /** Sends `count` concurrent requests of the user and returns their statuses. */
  ask(user: string, count: number): Promise<number[]>
  ready(): Promise<Record<string, { status: string }>>
  metric(pattern: RegExp): Promise<number>
  lines: string[]
}

/** Starts two gateways with one Redis, in front of a service that accepts everything. */
async function startTwoGateways(scope: TestScope, redis: RedisServer): Promise<[Gateway, Gateway]> {
  const issuer = await startTestIssuer()
  const peer = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1')
  await once(peer, 'listening')
  const peerUrl = `http://127.0.0.1:${(peer.address() as AddressInfo).port}`
  const env = {
    ...LIMITS,
    REDIS_URL: redis.url,
    // Long enough for a working Redis on a slow machine.
    CAUDAL_GATEWAY_REDIS_TIMEOUT: '1s',
    CAUDAL_API_GATEWAY_PORT: '0',
    CAUDAL_OPERATIONS_PUBLIC: 'true',
    CAUDAL_IDENTITY_URL: issuer.url,
    CAUDAL_PAYMENTS_URL: peerUrl,
    CAUDAL_WALLETS_URL: peerUrl,
  }
  const startOne = async (): Promise<Gateway> => {
    const lines: string[] = []
    const destination = { write: (line: string) => lines.push(line) }
    const logger = createLogger({ service: 'api-gateway', destination })
    const service = await start(readConfig(env), logger)
    scope.after(() => service.stop())
    const ask = async (token: string): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` }
      const { statusCode, body } = await request(`${service.url}/api/v1/wallet`, { headers })
      await body.dump()
      return statusCode
    }
    return {
      lines,
      async ask(user, count) {
        const token = await issuer.sign({ sub: idOf(user) })
        return Promise.all(Array.from({ length: count }, () => ask(token)))
      },
      async ready() {
        const { body } = await request(`${service.url}/readyz`)
        const { checks } = (await body.json()) as { checks: Record<string, { status: string }> }
        return checks
      },
      async metric(pattern) {
        const { body } = await request(`${service.url}/metrics`)
        return Number(pattern.exec(await body.text())?.[1] ?? 0)
      },
    }
  }
  const gateways: [Gateway, Gateway] = [await startOne(), await startOne()]
  scope.after(async () => {
    peer.close()
    peer.closeAllConnections()
    await issuer.stop()
  })
  return gateways
}

/** Users are UUIDs; each test has users of its own. */
const ids = new Map<string, string>()
const idOf = (user: string): string => {
  const id = ids.get(user) ?? newId()
  ids.set(user, id)
  return id
}

const isShared = async (gateway: Gateway): Promise<boolean> =>
  (await gateway.ready())['shared_rate_limits']?.status === 'ok'

/** How many requests were limited without Redis, for this reason. */
const unshared = (gateway: Gateway, reason: string): Promise<number> =>
  gateway.metric(new RegExp(`^gateway_rate_limit_unshared_total\\{.*"${reason}".*\\} (\\d+)$`, 'm'))

const passed = (statuses: readonly number[]): number =>
  statuses.filter((status) => status === 200).length

/** Asserts that every request got 200 or 429, and how many got 200. */
function assertPassed(statuses: readonly number[], atLeast: number): void {
  const others = statuses.filter((status) => status !== 200 && status !== 429)
  assert.deepEqual(others, [])
  const count = passed(statuses)
  assert.ok(count >= atLeast && count <= atLeast + SLACK, `${count} passed, not ${atLeast}`)
}

describe('F7: the rate limit of a user is shared by several gateways', () => {
  const scope = suiteScope()
  const setup = startRedis(scope).then(async (redis) => ({
    redis,
    gateways: await startTwoGateways(scope, redis),
  }))

  async function shared(): Promise<{ redis: RedisServer; one: Gateway; two: Gateway }> {
    const { redis, gateways } = await setup
    const [one, two] = gateways
    await eventually(async () => (await isShared(one)) && isShared(two), {
      label: 'both gateways use Redis',
    })
    return { redis, one, two }
  }

  const both = async (one: Gateway, two: Gateway, user: string): Promise<number[]> =>
    (await Promise.all([one.ask(user, 40), two.ask(user, 40)])).flat()

  test('two gateways share one rate limit', async () => {
    const { one, two } = await shared()
    assertPassed(await both(one, two, 'anna'), 20)
    assertPassed([...(await one.ask('bert', 12)), ...(await two.ask('bert', 12))], 20)
    assert.equal(await one.metric(/^gateway_rate_limit_shared\{.*\} (\d)$/m), 1)
  })

  test('concurrent requests share a round trip to Redis', async () => {
    const { redis, one } = await shared()
    await redis.client.config('RESETSTAT')
    assertPassed(await one.ask('carl', 20), 20)
    const stats = await redis.client.info('commandstats')
    const calls = Number(/cmdstat_eval:calls=(\d+)/.exec(stats)?.[1])
    assert.ok(calls >= 1 && calls < 20, `${calls} calls for 20 requests`)
  })

  test('requests pass while Redis is down, and the shared limit returns with Redis', async () => {
    const { redis, one, two } = await shared()
    await redis.kill()
    await assert.rejects(request(redis.url.replace('redis', 'http')), { code: 'ECONNREFUSED' })
    assertPassed(await both(one, two, 'dora'), 40)
    assert.equal(await isShared(one), false)
    assert.ok((await unshared(one, 'off')) > 0)
    assert.ok(one.lines.some((line) => line.includes('counted by each process')))
    await redis.restart()
    await shared()
    assertPassed(await both(one, two, 'emil'), 20)
  })

  test('a hanging Redis costs one timeout, not one per request', async () => {
    const { redis, one, two } = await shared()
    redis.pause()
    try {
      assertPassed(await both(one, two, 'fritz'), 40)
      assert.ok((await unshared(one, 'late')) > 0)
      const before = await unshared(one, 'late')
      assertPassed(await both(one, two, 'greta'), 40)
      const after = await unshared(one, 'late')
      assert.equal(after, before, 'later requests do not wait for Redis')
    } finally {
      redis.resume()
    }
    await shared()
    assertPassed(await both(one, two, 'hanna'), 20)
  })

  test('a Redis that returns errors is not used until it works again', async () => {
    const { redis, one, two } = await shared()
    await redis.client.config('SET', 'maxmemory', '1')
    assertPassed(await both(one, two, 'ida'), 40)
    assert.ok((await unshared(one, 'refused')) > 0)
    assert.equal(await isShared(one), false)
    await redis.client.config('SET', 'maxmemory', '0')
    await shared()
    assertPassed(await both(one, two, 'jan'), 20)
  })
})
