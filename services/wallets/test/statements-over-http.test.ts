import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { move } from './client-commands.ts'
import { assertProblem } from './ledger-client.ts'
import { openWallets, runCommands } from './ledger-fixture.ts'
import { newWallet } from './test-wallet.ts'
import { call, startWorld, type World } from './world.ts'

interface Line {
  amount: { minor_units: number }
}

describe('E4: statements over HTTP, page by page', () => {
  const scope = suiteScope()
  let world: World
  let token: string

  before(async () => {
    world = await startWorld(scope)
    token = await world.clientToken('ledger:read')
  })

  async function get(path: string): Promise<Record<string, unknown>> {
    const reply = await call(world, path, { token })
    assert.equal(reply.status, 200, reply.text)
    return reply.json
  }

  test('a statement by value date is complete over its pages', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    const steps = [1n, 2n, 3n].map((minor) => move('credit', wallet, minor))
    await runCommands(world.db, ...steps)
    await runCommands(world.db, { ...move('credit', wallet, 4n), valueDate: '2026-01-31' })
    const path = `/v1/accounts/${wallet.accountId}/statement?by=value&limit=1`
    for (const from of ['', '&from=1970-01-01', '&from=2026-01-31']) {
      const amounts: number[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const page = await get(`${path}${from}${cursor === '' ? '' : `&cursor=${cursor}`}`)
        amounts.push(...(page['data'] as Line[]).map((it) => it.amount.minor_units))
        cursor = page['next_cursor'] as string | null
      }
      assert.deepEqual(amounts, [4, 1, 2, 3])
    }
  })

  test('a forged cursor and a day out of range are refused', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    await runCommands(world.db, move('credit', wallet, 1n), move('credit', wallet, 2n))
    const path = `/v1/accounts/${wallet.accountId}/statement`
    for (const by of ['booking', 'value']) {
      const page = await get(`${path}?by=${by}&limit=1`)
      const given = JSON.parse(
        Buffer.from(String(page['next_cursor']), 'base64url').toString(),
      ) as Record<string, unknown>
      const other = by === 'value' ? null : { day: '2026-01-31', version: 0, line: 0 }
      const forged = Buffer.from(JSON.stringify({ ...given, other })).toString('base64url')
      const reply = await call(world, `${path}?by=${by}&cursor=${forged}`, { token })
      assertProblem(reply, 400, 'MALFORMED_REQUEST')
      assert.match(String(reply.json['detail']), /cursor is of another account or range/)
    }
    const early = await call(world, `${path}?by=value&from=1970-01-01T00:00:00%2B14:00`, { token })
    assertProblem(early, 400, 'MALFORMED_REQUEST')
    assert.match(String(early.json['detail']), /from is not a date/)
  })
})
