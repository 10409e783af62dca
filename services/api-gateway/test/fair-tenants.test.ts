import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { startTestGateway } from './start-test-gateway.ts'

type Joined = { requests: { authorization: string; body: string }[] }

const LOUD = 800

/** The tenant that a request's own body names. */
function tenantOf(body: string): string {
  return (JSON.parse(body) as { external_order_id: string }).external_order_id
}

test('F7: a payment of one tenant does not wait behind all of another one', async (t) => {
  const open: { requests: string[]; response: ServerResponse }[] = []
  const { seen, pay, issuer } = await startTestGateway(
    t,
    { CAUDAL_GATEWAY_RATE_BURST: '10000' },
    (_request, response) => {
      const { body, url } = seen.at(-1)!
      const joined = url === '/internal/payment-requests'
      const requests = joined
        ? (JSON.parse(String(body)) as Joined).requests.map((one) => one.body)
        : [String(body)]
      open.push({ requests, response })
    },
  )
  const arrived = (): string[] => open.flatMap(({ requests }) => requests.map(tenantOf))
  const loud = Array.from({ length: LOUD }, () => pay({ body: '{"external_order_id":"loud"}' }))
  // The loud tenant has taken all places that it may have.
  await eventually(() => arrived().length > 200)
  const bearer = await issuer.sign({ tenant_id: 'quiet' })
  const quiet = pay({ body: '{"external_order_id":"quiet"}', bearer })
  // Nothing has been answered, and the loud tenant's other requests still wait at the gateway.
  await eventually(() => arrived().includes('quiet'))
  const before = arrived().indexOf('quiet')
  assert.ok(before < 256, `${before} of ${LOUD} requests came before`)
  answerAll()
  await Promise.all([quiet, ...loud])
  assert.equal(arrived().length, LOUD + 1)

  /** Answers what has come and what comes from now on. */
  function answerAll(): void {
    const answer = ({ requests, response }: (typeof open)[number]): void => {
      const lines = requests.map((_, index) =>
        JSON.stringify({ index, status: 202, headers: {}, body: '{}' }),
      )
      response.writeHead(202, { 'content-type': 'application/json' })
      response.end(lines.join('\n') + '\n')
    }
    open.forEach(answer)
    const push = open.push.bind(open)
    open.push = (...more) => {
      more.forEach(answer)
      return push(...more)
    }
  }
})
