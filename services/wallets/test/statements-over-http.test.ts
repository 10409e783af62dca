import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { changedCursors } from '@caudal/testing/changed-cursors.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { move } from './client-commands.ts'
import { assertProblem } from './ledger-client.ts'
import { openWallets, runCommands } from './ledger-fixture.ts'
import { newWallet } from './test-wallet.ts'
import { call, readJson, type Reply, startWorld, type World } from './world.ts'

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

  const get = (path: string) => readJson(world, path, token)

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

  test('a statement never states what was changed in its cursor', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    await runCommands(world.db, move('credit', wallet, 1n), move('credit', wallet, 2n))
    const path = `/v1/accounts/${wallet.accountId}/statement?limit=1`
    for (const by of ['booking', 'value']) {
      const page = await get(`${path}&by=${by}`)
      const cursor = String(page['next_cursor'])
      const text = Buffer.from(cursor, 'base64url').toString()
      assert.doesNotMatch(text, /available|held|minor/, 'a cursor has positions only')
      // As release 0.1.0 wrote it, with a balance that the wallet never had.
      const of = JSON.stringify([wallet.accountId, by, null, null])
      const place = { version: 1, line: 0 }
      const other = by === 'value' ? { day: '1970-01-01', version: 0, line: -1 } : null
      const old = { of, ...place, available: '1000000', held: '0', other }
      const forged = Buffer.from(JSON.stringify(old)).toString('base64url')
      for (const changed of [forged, ...changedCursors(cursor)]) {
        const reply = await call(world, `${path}&by=${by}&cursor=${changed}`, { token })
        assertCursorRefused(reply)
      }
      const rest = await get(`${path}&by=${by}&cursor=${cursor}`)
      assert.deepEqual(rest['opening'], page['closing'])
    }
  })

  test('a cursor is only good for its list, filters, tenant and client', async () => {
    const [wallet, other] = [newWallet(), newWallet()]
    await openWallets(world.db, [wallet, other])
    for (const one of [wallet, other]) {
      await runCommands(world.db, move('credit', one, 1n), move('credit', one, 2n))
    }
    const path = `/v1/accounts/${wallet.accountId}/statement`
    const { next_cursor: cursor } = await get(`${path}?limit=1`)
    const given = `cursor=${String(cursor)}`
    const elsewhere = [
      `${path}?by=value&${given}`,
      `${path}?from=2020-01-01T00:00:00Z&${given}`,
      `/v1/accounts/${other.accountId}/statement?${given}`,
      `/v1/accounts?user_id=${wallet.userId}&${given}`,
      `/v1/system-accounts?${given}`,
    ]
    for (const one of elsewhere) {
      assertCursorRefused(await call(world, one, { token }))
    }
    const client = await world.clientToken('ledger:read', 'another-client')
    const refused = await call(world, `${path}?${given}`, { token: client })
    assertCursorRefused(refused)
    const list = await get('/v1/system-accounts?limit=1')
    const tenant = await world.clientToken('ledger:read', 'tester', 'another')
    const next = `/v1/system-accounts?limit=1&cursor=${String(list['next_cursor'] ?? cursor)}`
    assertCursorRefused(await call(world, next, { token: tenant }))
    await world.restart()
    assert.equal((await get(`${path}?${given}`))['has_more'], false, 'the key survives a restart')
  })

  test('later bookings are in no page of a statement that was begun before them', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    const dated = (minor: bigint, valueDate: string) => ({
      ...move('credit', wallet, minor),
      valueDate,
    })
    await runCommands(world.db, move('credit', wallet, 1n), dated(2n, '2026-01-20'))
    await runCommands(world.db, dated(4n, '2026-01-31'), move('credit', wallet, 8n))
    for (const by of ['booking', 'value']) {
      const path = `/v1/accounts/${wallet.accountId}/statement?by=${by}&limit=1`
      let page = await get(path)
      const all = await get(path.replace('limit=1', 'limit=100'))
      const amounts = [...amountsOf(page)]
      while (page['next_cursor'] !== null) {
        await runCommands(world.db, dated(100n, '2026-01-10'), dated(100n, '2026-01-25'))
        const next = await get(`${path}&cursor=${page['next_cursor'] as string}`)
        assert.deepEqual(next['opening'], page['closing'], by)
        amounts.push(...amountsOf(next))
        page = next
      }
      assert.deepEqual(amounts, amountsOf(all))
      assert.deepEqual(page['closing'], all['closing'])
    }
  })

  test('a day out of range is refused', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    const path = `/v1/accounts/${wallet.accountId}/statement`
    const early = await call(world, `${path}?by=value&from=1970-01-01T00:00:00%2B14:00`, { token })
    assertProblem(early, 400, 'MALFORMED_REQUEST')
    assert.match(String(early.json['detail']), /from is not a date/)
  })
})

function assertCursorRefused(reply: Reply): void {
  assertProblem(reply, 400, 'MALFORMED_REQUEST')
  assert.equal(reply.json['param'], 'cursor')
}

function amountsOf(page: Record<string, unknown>): number[] {
  return (page['data'] as Line[]).map((it) => it.amount.minor_units)
}
