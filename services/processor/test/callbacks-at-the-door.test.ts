import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import pg from 'pg'
import { call } from './call.ts'
import { about, callbackWorld, FORMER_SECRET, OTHER_SECRET, SECRET } from './callback-world.ts'
import { fileScope, fundsReserved } from './world.ts'

const it = await callbackWorld(fileScope(after))
const ACCEPTED = { status: 202, code: undefined }
const REFUSED = { status: 401, code: 'INVALID_SIGNATURE' }

async function countStored(): Promise<number> {
  const { rows } = await it.db.query<{ count: number }>(
    'SELECT count(*)::int + (SELECT count(*)::int FROM callbacks) AS count FROM callback_facts',
  )
  return rows[0]!.count
}

async function asOwner(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: it.adminUrl })
  await client.connect()
  await client.query(statement)
  await client.end()
}

test('P15: a callback is accepted with any of the secrets of its account', async () => {
  for (const secret of [SECRET, FORMER_SECRET]) {
    assert.deepEqual(await it.post(about(fundsReserved(), 'pending'), { secret }), ACCEPTED)
  }
  const ofShop = { secret: OTHER_SECRET, account: 'shop' }
  assert.deepEqual(await it.post(about(fundsReserved(), 'pending'), ofShop), ACCEPTED)
})

test("P15: a callback with another account's secret gets 401, and nothing is stored", async () => {
  const before = await countStored()
  const members = about(fundsReserved(), 'approved')
  assert.deepEqual(await it.post(members, { secret: OTHER_SECRET }), REFUSED)
  assert.deepEqual(await it.post(members, { account: 'shop' }), REFUSED)
  assert.deepEqual(await it.post(members, { secret: 'unknown-secret' }), REFUSED)
  const unsigned = await call(`${it.service.url}/callbacks/main/main`, {
    method: 'POST',
    body: members,
  })
  assert.deepEqual([unsigned.status, unsigned.json()['code']], [401, 'INVALID_SIGNATURE'])
  assert.equal(await countStored(), before)
})

test('P15: the age of a callback is that of its signed time, and the window is wide', async () => {
  const now = Math.floor(Date.now() / 1_000)
  const HOUR = 3_600
  for (const [seconds, expected] of [
    [now - 71 * HOUR, ACCEPTED],
    [now - 73 * HOUR, REFUSED],
    [now + 73 * HOUR, REFUSED],
  ] as const) {
    assert.deepEqual(await it.post(about(fundsReserved(), 'pending'), { seconds }), expected)
  }
})

test('P15: a callback for a PSP or an account that is not configured gets 404', async () => {
  const before = await countStored()
  for (const how of [{ psp: 'other' }, { account: 'other' }, { account: 'toString' }]) {
    const answer = await it.post(about(fundsReserved(), 'approved'), how)
    assert.deepEqual(answer, { status: 404, code: 'PSP_NOT_FOUND' })
  }
  assert.equal(await countStored(), before)
})

test('P15: a body beyond the limit gets 413, and nothing is stored', async () => {
  const before = await countStored()
  const body = JSON.stringify({ padding: 'x'.repeat(256 * 1024) })
  assert.deepEqual(await it.post({}, { body }), { status: 413, code: 'BODY_TOO_LARGE' })
  assert.equal(await countStored(), before)
})

test('P15: a duplicate gets 202 and is stored once, also among many at once', async () => {
  const members = about(fundsReserved(), 'pending')
  const answers = await Promise.all(Array.from({ length: 30 }, () => it.post(members)))
  answers.push(await it.post(members), await it.post({ ...members, type: 'payment.approved' }))
  for (const answer of answers) assert.deepEqual(answer, ACCEPTED)
  const { rows } = await it.db.query<{ callbacks: number }>(
    `SELECT count(*)::int AS callbacks FROM callbacks
     WHERE convert_from(body, 'utf8')::json->>'event_id' = $1`,
    [members['event_id']],
  )
  assert.deepEqual(rows, [{ callbacks: 1 }])
  assert.equal((await it.stored(String(members['event_id']))).length, 1)
})

test('P15: callbacks that arrive together are stored by few statements', async () => {
  const transactions = async (): Promise<number> => {
    const { rows } = await it.db.query<{ count: number }>(
      'SELECT count(DISTINCT received_at)::int AS count FROM callbacks',
    )
    return rows[0]!.count
  }
  const before = await transactions()
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => it.post(about(fundsReserved(), 'pending'))),
  )
  for (const answer of answers) assert.deepEqual(answer, ACCEPTED)
  const made = (await transactions()) - before
  assert.ok(made >= 1 && made < 100, `${made} statements`)
})

test('P15: callbacks that are sent together have answers of their own', async () => {
  const [first, second] = [about(fundsReserved(), 'pending'), about(fundsReserved(), 'pending')]
  const main = '/callbacks/main/main'
  const { status, text } = await call(`${it.service.url}/internal/callbacks`, {
    method: 'POST',
    body: {
      requests: [
        { path: main, ...signed(JSON.stringify(first)) },
        { path: main, ...signed(JSON.stringify(second), OTHER_SECRET) },
        { path: '/callbacks/other/main', ...signed('{}') },
        { path: '/callbacks', headers: {}, body: '' },
        { path: main, ...signed(JSON.stringify(first)) },
        { path: main, ...signed(JSON.stringify(about(fundsReserved(), 'pending', { note: 'ä' }))) },
      ],
    },
  })
  assert.equal(status, 200, text)
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { index: number; status: number; body: string })
    .toSorted((a, b) => a.index - b.index)
  assert.deepEqual(
    lines.map((line) => line.status),
    [202, 401, 404, 404, 202, 202],
  )
  assert.equal(lines[0]?.body, '{"status":"accepted"}')
  assert.match(lines[1]!.body, /"code":"INVALID_SIGNATURE"/)
  assert.equal((await it.stored(String(first['event_id']))).length, 1)
  assert.equal((await it.stored(String(second['event_id']))).length, 0)
})

/** The signed headers and the body of a callback, as the gateway passes them on together. */
function signed(body: string, secret = SECRET): { headers: Record<string, string>; body: string } {
  const seconds = Math.floor(Date.now() / 1_000)
  const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
  return { headers: { 'x-gateway-signature': `t=${seconds},v1=${signature}` }, body }
}

test('P15: an unknown type and an unreadable body are stored and raise an alarm', async () => {
  const eventId = randomUUID()
  const members = { event_id: eventId, type: 'dispute.opened', status: 'opened' }
  assert.deepEqual(await it.post(members), ACCEPTED)
  assert.deepEqual(await it.post({}, { body: `no JSON ${eventId}` }), ACCEPTED)
  const [fact] = await it.settled(eventId)
  assert.deepEqual(
    [fact?.state, fact?.cause, fact?.callback_state],
    ['PARKED', 'unknown', 'PARKED'],
  )
  const { rows } = await eventually(async () => {
    const found = await it.db.query<{ state: string; key: string }>(
      `SELECT c.state, f.key FROM callbacks c JOIN callback_facts f USING (callback_id)
       WHERE convert_from(c.body, 'utf8') = $1 AND c.state <> 'RECEIVED'`,
      [`no JSON ${eventId}`],
    )
    assert.equal(found.rows.length, 1)
    return found
  })
  assert.equal(rows[0]?.state, 'PARKED')
  assert.match(rows[0]?.key ?? '', /^sha256:[0-9a-f]{64}$/)
  const { text } = await call(`${it.service.url}/metrics`)
  assert.match(text, /^psp_callback_facts_total\{.*state="PARKED",cause="unknown".*\} 2$/m)
  assert.match(text, /^psp_callbacks_parked\{.*\} [1-9]/m)
})

test('P15: a callback that could not be made durable gets 503, and its repetition is stored', async () => {
  const members = about(fundsReserved(), 'pending')
  await asOwner('ALTER TABLE callbacks RENAME TO callbacks_elsewhere')
  try {
    const answer = await it.post(members)
    assert.deepEqual(answer, { status: 503, code: 'UNAVAILABLE' })
  } finally {
    await asOwner('ALTER TABLE callbacks_elsewhere RENAME TO callbacks')
  }
  assert.deepEqual(await it.stored(String(members['event_id'])), [])
  assert.deepEqual(await it.post(members), ACCEPTED)
  assert.equal((await it.settled(String(members['event_id']))).length, 1)
})

test('F10: a card number in a callback is masked before it is stored', async () => {
  const eventId = randomUUID()
  const card = { message: 'card 4111 1111 1111 1111', reason_code: 'card_4111111111111111' }
  await it.post({ ...about(fundsReserved(), 'failed', card), event_id: eventId })
  await it.settled(eventId)
  const { rows } = await it.db.query<{ text: string; is_masked: boolean }>(
    `SELECT convert_from(c.body, 'utf8') || f.fact::text AS text, is_masked
     FROM callbacks c JOIN callback_facts f USING (callback_id) WHERE f.key = $1`,
    [eventId],
  )
  assert.equal(rows[0]?.is_masked, true)
  assert.doesNotMatch(rows[0]?.text ?? '', /4111[^*]{0,12}1111/)
})
