import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { accountIdOf, newId, walletIdOf } from '@caudal/contracts/ids.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { connectAsAdmin } from '../support/database-server.ts'
import { runCaudal } from '../support/run-caudal.ts'
import { suiteSystem } from '../support/suite-system.ts'

type Listed = { data: { id: string; kind: string; cause: string }[]; has_more: boolean }
type Shown = {
  kind: string
  cause: string
  attempts: number
  resolution: string | null
  records_behind: number
  value: string
  actions: { action: string; actor: { type: string; id: string }; reason: string }[]
}

/** A `user.created` of the account; without its members it is poison. */
function userCreated(accountId: string, members: object): string {
  const identification = { event_id: newId(), schema_version: '1.1.0', region: 'local' }
  const event = { ...identification, event_type: 'user.created', tenant_id: 'caudal' }
  return JSON.stringify({ ...event, account_id: accountId, ...members })
}

describe('caudal dlq, against wallets and identity', () => {
  const system = suiteSystem(suiteScope(), { args: ['identity', 'wallets', '--embedded'] })
  const user = newId()
  const account = accountIdOf('caudal', user, 'USD')
  let id = ''

  async function json<T>(code: number, ...args: string[]): Promise<T> {
    const result = await runCaudal(system.data_dir, ['dlq', ...args, '--json'])
    assert.equal(result.code, code, `${args.join(' ')}: ${result.stdout} ${result.stderr}`)
    return JSON.parse(result.stdout) as T
  }

  /** Into the outbox of identity, behind its back: the relay publishes it. */
  async function emit(payloads: readonly string[]): Promise<void> {
    const admin = await connectAsAdmin(system.data_dir, 'caudal_identity')
    const text = `INSERT INTO outbox (event_id, topic, record_key, payload, headers)
      SELECT gen_random_uuid(), 'identity.users', $1, p, '{}'
      FROM unnest($2::text[]) WITH ORDINALITY AS u(p, place) ORDER BY place`
    await admin.query(text, [account, payloads])
    await admin.end()
  }

  async function accounts(): Promise<number> {
    const admin = await connectAsAdmin(system.data_dir, 'caudal_wallets')
    const text = 'SELECT FROM accounts WHERE account_id = $1'
    const { rowCount } = await admin.query(text, [account])
    await admin.end()
    return rowCount!
  }

  test('no parked records make an empty list', async () => {
    assert.deepEqual(await json(0, 'list'), { data: [], has_more: false })
  })

  test('a poisoned record is listed, with the record that waits behind it', async () => {
    const fine = {
      timestamp: '2026-01-01T00:00:00Z',
      actor: { type: 'system', id: 'identity' },
      user_id: user,
      wallet_id: walletIdOf('caudal', user),
      accounts: [{ account_id: account, currency: 'USD' }],
    }
    await emit([userCreated(account, {}), userCreated(account, fine)])
    const { data } = await eventually(async () => {
      const found = await json<Listed>(0, 'list')
      return found.data.length === 2 && found
    })
    assert.deepEqual(
      data.map(({ kind }) => kind),
      ['unprocessable', 'waiting'],
    )
    id = data[0]!.id
    assert.match(id, /^wallets:identity\.users:\d+:\d+$/)
    const letters = await json<Listed>(0, 'list', '--kind', 'unprocessable', '--limit', '1')
    assert.deepEqual(
      letters.data.map((one) => one.id),
      [id],
    )
    assert.equal((await json<Listed>(0, 'list', '--limit', '1')).has_more, true)
    assert.deepEqual((await json<Listed>(0, 'list', '--service', 'orders')).data, [])
  })

  test('show prints the content, the cause and what waits behind it', async () => {
    const shown = await json<Shown>(0, 'show', id)
    assert.match(shown.cause, /^user\.created: /)
    assert.deepEqual([shown.records_behind, shown.resolution], [1, null])
    assert.match(shown.value, new RegExp(account))
    const { code, stdout } = await runCaudal(system.data_dir, ['dlq', 'show', id])
    assert.equal(code, 0)
    assert.match(stdout, /1 records of its key wait behind it/)
  })

  test('a redrive tries the record again; it fails again and stays, with the reason', async () => {
    const words = ['--reason', 'the schema was repaired', '--actor', 'ops-7']
    const { changed } = await json<{ changed: string[] }>(0, 'redrive', id, ...words)
    assert.deepEqual(changed, [id])
    const shown = await eventually(async () => {
      const found = await json<Shown>(0, 'show', id)
      return found.attempts === 2 && found
    })
    assert.equal(shown.kind, 'unprocessable')
    assert.deepEqual(
      shown.actions.map(({ action, actor, reason }) => [action, actor.type, actor.id, reason]),
      [['redriven', 'operator', 'ops-7', 'the schema was repaired']],
    )
    assert.equal(await accounts(), 0)
  })

  test('a redrive names the earlier record of its key for which a record waits', async () => {
    const behind = (await json<Listed>(0, 'list', '--kind', 'waiting')).data[0]!.id
    const words = ['redrive', behind, '--reason', 'the user waits']
    type Redriven = { changed: string[]; waiting: { id: string; behind: string }[] }
    const redriven = await json<Redriven>(0, ...words)
    assert.deepEqual(redriven.changed, [behind])
    assert.deepEqual(redriven.waiting, [{ id: behind, behind: id }])
    const { stderr } = await runCaudal(system.data_dir, ['dlq', ...words])
    assert.ok(stderr.includes(`${behind} is tried only after ${id}`), stderr)
  })

  test('a discard frees the records behind it, and both reasons are kept', async () => {
    await json(0, 'discard', id, '--reason', 'identity emitted the event once more')
    await eventually(async () => (await accounts()) === 1)
    await eventually(async () => (await json<Listed>(0, 'list')).data.length === 0)
    const shown = await json<Shown>(0, 'show', id)
    assert.equal(shown.resolution, 'discarded')
    assert.deepEqual(
      shown.actions.map(({ action }) => action),
      ['redriven', 'discarded'],
    )
  })

  test('what is not an open parked record is refused: exit code 1', async () => {
    const again = await json<{ not_open: string[] }>(1, 'discard', id, '--reason', 'again')
    assert.deepEqual(again.not_open, [id])
    await json(1, 'show', 'wallets:identity.users:0:999')
  })

  test('wrong usage exits with code 2 and a hint', async () => {
    for (const args of [
      ['redrive', id],
      ['discard', id, '--reason', '  '],
      ['show', 'wallets:identity.users:0'],
      ['list', '--kind', 'odd'],
      ['list', '--reason', 'none needed'],
      ['purge'],
    ]) {
      const { code, stderr } = await runCaudal(system.data_dir, ['dlq', ...args])
      assert.equal(code, 2, `${args.join(' ')}: ${stderr}`)
    }
  })
})
