import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Db } from '@caudal/postgres/types.ts'
import { watchKeys } from '../src/commands/watch-keys.ts'
import type { Answer } from '../src/ledger/answer-batch.ts'
import type { Command } from '../src/ledger/domain/command.ts'
import { change, close, move, transfer } from './client-commands.ts'
import { findViolations } from './find-violations.ts'
import { ledgerDatabase, openWallets, submitAll, takerOf } from './ledger-fixture.ts'
import { newWallet } from './test-wallet.ts'

/** The answer of a process that has seen no command before, and so takes the key to be new. */
async function answerOf(db: Db, command: Command): Promise<Answer> {
  const [settled] = await submitAll(takerOf(db), [command])
  assert(settled?.status === 'fulfilled')
  return settled.value
}

/** The pool, and the names of what is asked through it. */
function listening(pool: Db): { db: Db; asked: string[] } {
  const asked: string[] = []
  const connect = pool.connect.bind(pool)
  const db = {
    async connect() {
      const client = await connect()
      const query = client.query.bind(client) as (...args: unknown[]) => unknown
      const patched = (...args: [{ name?: string } | string, ...unknown[]]): unknown => {
        if (typeof args[0] !== 'string') asked.push(args[0].name ?? '')
        return query(...args)
      }
      const release = client.release.bind(client)
      return Object.assign(client, {
        query: patched,
        release: (broken?: boolean) => {
          Object.assign(client, { query, release })
          release(broken)
        },
      })
    },
  } as unknown as Db
  return { db, asked }
}

test('F2: what was used before is seen by a process that takes every key to be new', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const [wallet, other] = [newWallet(), newWallet()]
  await openWallets(pool, [wallet, other])
  const first: [Command, number][] = [
    [move('credit', wallet, 10n), 200],
    [move('hold', wallet, 4n), 200],
    [move('debit', wallet, 6n), 200],
    [move('debit', wallet, 6n), 422],
    [
      transfer([
        [wallet, -6n],
        [other, 6n],
      ]),
      422,
    ],
    [change('freeze', other), 200],
    [move('credit', other, 1n), 422],
  ]
  const answers: Answer[] = []
  for (const [command, status] of first) {
    const answer = await answerOf(pool, command)
    assert.equal(answer.status, status, `${command.kind}: ${answer.body}`)
    answers.push(answer)
  }
  // The money is gone, and the account frozen: decided anew, none would get the same answer.
  for (const [index, [command]] of first.entries()) {
    assert.deepEqual(await answerOf(pool, command), { ...answers[index]!, replayed: true })
  }
  const spent = first[2]![0]
  const refusals: [Command, string][] = [
    [move('debit', wallet, 7n, { key: spent.key.value }), 'IDEMPOTENCY_MISMATCH'],
    [move('debit', wallet, 99n, { reference: spent.referenceId }), 'REFERENCE_ALREADY_USED'],
    [move('credit', wallet, 1n, { key: spent.key.value }), 'IDEMPOTENCY_MISMATCH'],
    [close('commit', wallet, newWallet().accountId), 'HOLD_NOT_OPEN'],
  ]
  for (const [command, code] of refusals) {
    const { body } = await answerOf(pool, command)
    assert.equal((JSON.parse(body) as { code: string }).code, code)
  }
  assert.deepEqual(await findViolations(pool), [])
})

test('one used key among new ones is answered alone, and money moves once', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  const used = move('credit', wallet, 10n)
  const given = await answerOf(pool, used)
  const batch = [move('credit', wallet, 1n), used, move('credit', wallet, 1n), used]
  const settled = await submitAll(takerOf(pool), batch)
  const answers = settled.map((it) => (it.status === 'fulfilled' ? it.value : it.reason))
  assert.deepEqual(
    answers.map(({ status, replayed }) => [status, replayed]),
    [
      [200, false],
      [200, true],
      [200, false],
      [200, true],
    ],
  )
  assert.equal(answers[1].body, given.body)
  const { rows } = await pool.query(`SELECT available_minor FROM accounts WHERE kind = 'wallet'`)
  assert.deepEqual(rows, [{ available_minor: '12' }])
})

test('keys are looked up for a while after one that was used, and not before', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  const { db, asked } = listening(pool)
  const taker = takerOf(db)
  const looks = async (command: Command): Promise<number> => {
    asked.length = 0
    await submitAll(taker, [command])
    assert.ok(asked.includes('lock-ledger'))
    return asked.filter((name) => name === 'load-keys').length
  }
  const used = move('credit', wallet, 10n)
  assert.equal(await looks(used), 0)
  assert.equal(await looks(move('credit', wallet, 1n)), 0)
  assert.equal(await looks(used), 1)
  assert.equal(await looks(move('credit', wallet, 1n)), 1)
})

test('a refusal, a repeat and a used key each make the next batches look, and then it ends', () => {
  const watch = watchKeys()
  const careful = (): number => {
    let batches = 0
    while (!watch.keysAreNew()) batches += 1
    return batches
  }
  assert.equal(careful(), 0)
  watch.saw([{ type: 'refused', code: 'INSUFFICIENT_FUNDS', detail: null, hold: null }])
  const long = careful()
  assert.ok(long >= 100)
  watch.sawUsedKey()
  assert.equal(careful(), long)
  watch.saw([{ type: 'unchanged' }])
  assert.equal(careful(), long)
  watch.saw([])
  assert.equal(careful(), 0)
})
