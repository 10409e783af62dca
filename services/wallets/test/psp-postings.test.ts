import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { FundsPosted, PostingRequested } from '@caudal/contracts/events/postings.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { readEvent } from '@caudal/contracts/parse-event.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { ParkError } from '@caudal/event-log/park-error.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { change, move } from './client-commands.ts'
import { findViolations } from './find-violations.ts'
import { ledgerDatabase, openWallets, runBatch, runCommands } from './ledger-fixture.ts'
import { completed, newPayment, requested } from './payment-events.ts'
import { newPosting, pspPostingWork } from './psp-postings.ts'
import { spyOn } from './spy-on.ts'
import { newWallet, type TestWallet } from './test-wallet.ts'
import { eventWork } from './work.ts'
import { call, readJson, startWorld, type World } from './world.ts'

type Row = Record<string, unknown>

async function availableOf(db: Db, { accountId }: TestWallet): Promise<string> {
  const { rows } = await db.query<{ available_minor: string }>(
    'SELECT available_minor FROM accounts WHERE account_id = $1',
    [accountId],
  )
  return rows[0]!.available_minor
}

/** What became of each: its type, or the end that was taken. */
async function book(db: Db, ...postings: readonly PostingRequested[]): Promise<string[]> {
  const { outcomes } = await runBatch(
    db,
    postings.map((posting, index) => pspPostingWork(posting, index % 3)),
  )
  return outcomes.map((it) => {
    return it.type === 'posted' ? it.transfer.pspPosting!.end : it.type
  })
}

async function fundedWallet(db: Db, minor: bigint): Promise<TestWallet> {
  const wallet = newWallet()
  await openWallets(db, [wallet])
  if (minor > 0n) await runCommands(db, move('credit', wallet, minor))
  return wallet
}

test('rule 4: a posting is booked once, in one batch, in a later one and by another process', async (t) => {
  const { pool, url } = await ledgerDatabase(t)
  const other = createPool({ url, applicationName: 'other' })
  t.after(() => other.end())
  const wallet = await fundedWallet(pool, 0n)
  const posting = newPosting('refund', wallet, 70n)
  assert.deepEqual(await book(pool, posting, posting), ['wallet', 'unchanged'])
  assert.deepEqual(await book(pool, posting), ['unchanged'])
  const raced = newPosting('return', wallet, 30n)
  const attempts = await Promise.allSettled([pool, other].map((db) => book(db, raced)))
  for (const attempt of attempts) {
    if (attempt.status === 'rejected') assert.match(String(attempt.reason), /psp_postings_pkey/)
  }
  assert.equal(await availableOf(pool, wallet), '100')
  const { rows } = await pool.query('SELECT kind, other_end FROM psp_postings ORDER BY booked_at')
  assert.deepEqual(rows, [
    { kind: 'refund', other_end: 'wallet' },
    { kind: 'return', other_end: 'wallet' },
  ])
  assert.deepEqual(await findViolations(pool), [])
})

test('rule 11: another posting under a used id is parked and changes nothing', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = await fundedWallet(pool, 0n)
  const posting = newPosting('refund', wallet, 70n)
  await book(pool, posting)
  await assert.rejects(book(pool, { ...posting, amount: '0.71' }), (error) => {
    assert(error instanceof ParkError)
    const [parked] = error.parked
    assert.equal(parked?.kind, 'unprocessable')
    assert.match(parked.cause, new RegExp(`^posting.requested ${posting.posting_id}: the posting`))
    return true
  })
  assert.equal(await availableOf(pool, wallet), '70')
})

test('a thousand postings cost two statements more than none, and payments none', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallets = await Promise.all(Array.from({ length: 40 }, () => fundedWallet(pool, 100n)))
  let asked: string[] = []
  const watched = spyOn(pool, ({ name, text }) => void asked.push(name ?? text))
  await book(pool, newPosting('refund', wallets[0]!, 1n)) // opens what all need
  await runBatch(
    watched,
    wallets.map((it) => eventWork(requested(newPayment(it, 1n)))),
  )
  const ofPayments = asked
  asked = []
  const postings = wallets.flatMap((it) => {
    return Array.from({ length: 25 }, () => newPosting('return', it, 2n))
  })
  await runBatch(
    watched,
    postings.map((it) => pspPostingWork(it)),
  )
  const added = asked.filter((it) => !ofPayments.includes(it))
  assert.deepEqual(added.toSorted(), ['add-to-outbox', 'load-psp-postings', 'save-psp-postings'])
  assert.ok(ofPayments.every((it) => !it.includes('psp')))
  assert.deepEqual(await findViolations(pool), [])
})

describe('money that comes back', () => {
  const scope = suiteScope()
  let world: World

  before(async () => {
    world = await startWorld(scope)
  })

  /** The answer to the posting, once there is one. */
  function answerTo({ posting_id }: PostingRequested): Promise<FundsPosted> {
    return eventually(
      async () => {
        const { rows } = await world.db.query<{ payload: string }>(
          `SELECT payload FROM outbox WHERE topic = $1 AND payload::jsonb ->> 'posting_id' = $2`,
          [TOPICS.fundsPosted, posting_id],
        )
        assert.ok(rows.length < 2, 'a posting is answered once')
        return rows[0] && (readEvent(rows[0].payload) as FundsPosted)
      },
      { label: 'the posting is answered' },
    )
  }

  test('a refund is credited to the wallet and answered with the end, in the words of its request', async () => {
    const wallet = await fundedWallet(world.db, 0n)
    const posting = newPosting('refund', wallet, 1_050n, { psp: 'asyncbank' })
    await world.publish(TOPICS.postingsRequested, posting, posting)
    const { event_type, ...answer } = await answerTo(posting)
    assert.equal(event_type, 'funds.posted')
    assert.partialDeepStrictEqual(answer, {
      posting_id: posting.posting_id,
      kind: 'refund',
      source: posting.source,
      payment_id: posting.payment_id,
      user_id: wallet.userId,
      account_id: wallet.accountId,
      tenant_id: wallet.tenantId,
      actor: posting.actor,
      psp: 'asyncbank',
      amount: '10.50',
      currency: 'USD',
      end: 'wallet',
    })
    assert.equal(await availableOf(world.db, wallet), '1050')
    const { rows } = await world.db.query<{ event: Row }>(
      `SELECT payload::jsonb AS event FROM outbox WHERE topic = $1
         AND payload::jsonb ->> 'transfer_id' = $2`,
      [TOPICS.ledger, answer.wallet_transaction_id],
    )
    assert.partialDeepStrictEqual(rows[0]?.event, {
      event_type: 'wallet.refund.committed',
      idempotency_key: `refund:${posting.posting_id}`,
      reference_id: posting.source.id,
      payment_id: posting.payment_id,
      actor: posting.actor,
      posting: {
        posting_id: posting.posting_id,
        source: posting.source,
        psp: 'asyncbank',
        end: 'wallet',
      },
    })
  })

  test('money for a closed or frozen account is answered with suspense', async () => {
    const [closed, frozen] = [await fundedWallet(world.db, 0n), await fundedWallet(world.db, 5n)]
    await runCommands(world.db, change('close', closed), change('freeze', frozen))
    for (const wallet of [closed, frozen]) {
      const posting = newPosting('refund', wallet, 40n)
      await world.publish(TOPICS.postingsRequested, posting)
      assert.equal((await answerTo(posting)).end, 'suspense')
    }
    assert.equal(await availableOf(world.db, frozen), '5')
    const { text } = await call(world, '/metrics')
    assert.match(
      text,
      /^psp_postings_total\{(?=[^}]*end="suspense")[^}]*kind="refund"[^}]*\} [1-9]/m,
    )
  })

  test('money that came back for no known payment is in suspense, under an account of no wallet', async () => {
    const posting = newPosting('return', { ...newWallet(), accountId: newId() }, 40n, {
      end: 'suspense',
    })
    const { payment_id: _, user_id: __, ...unmatched } = posting
    await world.publish(TOPICS.postingsRequested, unmatched)
    const answer = await answerTo(posting)
    assert.deepEqual([answer.end, answer.account_id], ['suspense', posting.account_id])
    assert.ok(!('payment_id' in answer) && !('user_id' in answer))
  })

  test('P12: a refund that is taken back leaves the wallet, or is receivable once it was spent', async () => {
    const wallet = await fundedWallet(world.db, 0n)
    const refunds = [newPosting('refund', wallet, 60n), newPosting('refund', wallet, 60n)]
    const [first, second] = refunds.map((refund) =>
      newPosting('recapture', wallet, 60n, { source: refund.source }),
    )
    await world.publish(TOPICS.postingsRequested, ...refunds, first!)
    assert.equal((await answerTo(first!)).end, 'wallet')
    await runCommands(world.db, move('debit', wallet, 1n))
    await world.publish(TOPICS.postingsRequested, second!)
    assert.equal((await answerTo(second!)).end, 'receivable')
    assert.equal(await availableOf(world.db, wallet), '59')
  })

  test('users see what came back as refund and credit, and what left again as debit', async () => {
    const wallet = await fundedWallet(world.db, 0n)
    const postings = (['refund', 'return', 'recapture'] as const).map((kind) =>
      newPosting(kind, wallet, 30n),
    )
    assert.deepEqual(await book(world.db, ...postings), ['wallet', 'wallet', 'wallet'])
    const token = await world.userToken(wallet.userId)
    const { data } = await readJson(world, '/v1/wallet/entries', token)
    assert.deepEqual(
      (data as Row[]).map((it) => [it['kind'], it['amount'], it['payment_id']]),
      [
        ['debit', '-0.30', postings[2]!.payment_id],
        ['credit', '0.30', postings[1]!.payment_id],
        ['refund', '0.30', postings[0]!.payment_id],
      ],
    )
  })

  test('statements, the trial balance and lists of system accounts have the new kinds', async () => {
    const tenantId = 'came-back'
    const wallet = newWallet({ tenantId })
    await openWallets(world.db, [wallet])
    await book(
      world.db,
      newPosting('refund', wallet, 30n),
      newPosting('return', wallet, 5n, { end: 'suspense' }),
      newPosting('recapture', wallet, 31n),
    )
    const token = await world.clientToken('ledger:read', 'tester', tenantId)
    const statement = await readJson(world, `/v1/accounts/${wallet.accountId}/statement`, token)
    assert.deepEqual(
      (statement['data'] as Row[]).map((it) => it['kind']),
      ['refund'],
    )
    const trial = await readJson(world, '/v1/trial-balance', token)
    const [usd] = trial['data'] as Row[]
    const sums = (usd!['accounts'] as Row[]).map(({ kind, available }) => {
      return [kind, (available as { minor_units: number }).minor_units]
    })
    assert.deepEqual(Object.fromEntries(sums as [string, number][]), {
      wallet: 30,
      psp_settlement: -4,
      suspense: 5,
      receivable: -31,
    })
    assert.deepEqual(usd!['total'], { minor_units: 0, currency: 'USD' })
    const accounts = await readJson(world, '/v1/system-accounts', token)
    assert.deepEqual(
      new Set((accounts['data'] as Row[]).map(({ kind }) => kind)),
      new Set(['psp_settlement', 'receivable', 'suspense']),
    )
  })

  test('what was booked for a refund is found by its id, page by page', async () => {
    const wallet = await fundedWallet(world.db, 100n)
    const refund = newPosting('refund', wallet, 30n)
    const { source } = refund
    const again = (kind: 'refund' | 'recapture') => newPosting(kind, wallet, 30n, { source })
    await book(world.db, refund, again('recapture'), again('refund'))
    const token = await world.clientToken('ledger:read')
    const path = `/v1/transfers?reference_id=${source.id}`
    const found: unknown[] = []
    let cursor = ''
    do {
      const page = await readJson(world, `${path}&limit=1${cursor}`, token)
      found.push(...(page['data'] as Row[]).map((it) => it['kind']))
      const next = page['next_cursor'] as string | null
      cursor = next === null ? '' : `&cursor=${next}`
    } while (cursor !== '')
    assert.deepEqual(found, ['recapture', 'refund', 'refund'])
    const only = await readJson(world, `${path}&kind=recapture`, token)
    assert.equal((only['data'] as Row[]).length, 1)
  })

  test('P11: the steps of a payment show its refunds, returns and recaptures with their ends', async () => {
    const wallet = await fundedWallet(world.db, 100n)
    const payment = newPayment(wallet, 100n)
    const { outcomes } = await runBatch(world.db, [eventWork(requested(payment))])
    const [held] = outcomes
    assert(held?.type === 'posted')
    const holdId = held.transfer.transferId
    await runBatch(world.db, [eventWork(completed({ ...payment, holdId }))])
    const of = { payment_id: payment.paymentId }
    const refund = newPosting('refund', wallet, 40n, of)
    const late = newPosting('return', wallet, 60n, { ...of, end: 'suspense' })
    const recapture = newPosting('recapture', wallet, 40n, { ...of, source: refund.source })
    await book(world.db, refund)
    await book(world.db, late)
    await book(world.db, recapture)
    const path = `/internal/payments/${payment.paymentId}/steps`
    const { steps } = await readJson(world, path, await world.clientToken('trace:read'))
    assert.deepEqual(
      (steps as Row[]).slice(2).map(({ step, detail }) => [step, detail]),
      [
        ['funds.refunded', `0.40 USD to account ${wallet.accountId}, for ${refund.source.id}`],
        ['funds.returned', `0.60 USD to suspense, for ${late.source.id}`],
        ['funds.recaptured', `0.40 USD from account ${wallet.accountId}, for ${refund.source.id}`],
      ],
    )
    const foreign = await world.clientToken('trace:read', 'tester', 'other')
    assert.deepEqual((await readJson(world, path, foreign))['steps'], [])
  })

  test('clients cannot send a refund, a return or a recapture', async () => {
    const wallet = await fundedWallet(world.db, 100n)
    const token = await world.clientToken('ledger:write ledger:admin')
    const amount = { minor_units: 5, currency: 'USD' }
    const body = { account_id: wallet.accountId, amount, reason: 'x', reference_id: newId() }
    const { json: document } = await call(world, '/openapi.json')
    for (const kind of ['refund', 'return', 'recapture']) {
      const headers = { 'x-idempotency-key': newId() }
      const path = `/v1/wallet/${kind}`
      assert.ok(!(path in (document['paths'] as Row)), path)
      assert.equal(
        await call(world, '/v1/batch', {
          token,
          body: { commands: [{ command: kind, idempotency_key: newId(), ...body }] },
        }).then(({ json }) => (json['results'] as Row[])[0]!['status']),
        400,
      )
      const atomic = { atomic: true, commands: [{ command: kind, ...body }] }
      const refused = await call(world, '/v1/batch', { token, headers, body: atomic })
      assert.equal(refused.status, 400)
      assert.match(String(refused.json['detail']), /command must be one of credit, debit, hold/)
    }
    assert.equal(await availableOf(world.db, wallet), '100')
  })

  test('the books are whole after all of it', async () => {
    assert.deepEqual(await findViolations(world.db), [])
  })
})
