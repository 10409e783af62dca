import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger, flushLogs } from './logger.ts'

const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl'

function captured() {
  const lines: string[] = []
  const logger = createLogger({
    service: 'payments',
    destination: { write: (line: string) => lines.push(line) },
  })
  return { logger, lines }
}

test('P13: a log line is JSON with service, region, level, time, context and message', () => {
  const { logger, lines } = captured()
  logger.info({ payment_id: 'p1', trace_id: 't1' }, 'accepted')
  const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>
  assert.equal(line.service, 'payments')
  assert.equal(line.region, 'local')
  assert.equal(line.level, 'info')
  assert.equal(line.payment_id, 'p1')
  assert.equal(line.message, 'accepted')
  assert.match(String(line.time), /^\d{4}-\d\d-\d\dT/)
})

test('F10: secrets are masked by name at any depth, and the logged object is not changed', () => {
  const { logger, lines } = captured()
  const context = {
    request: { headers: { Authorization: 'Bearer abc', accept: '*/*' } },
    client_secret: 's3cret',
    devices: [{ platform: 'ios', token: 'device-1' }],
    access_token: 'a',
    password: 'p',
    idempotency_key: 'kept',
  }
  logger.info(context, 'x')
  const line = lines[0] ?? ''
  for (const secret of ['abc', 's3cret', 'device-1', '"a"', '"p"']) {
    assert.ok(!line.includes(secret), `${secret} in ${line}`)
  }
  assert.ok(line.includes('kept') && line.includes('*/*') && line.includes('ios'))
  assert.equal(context.devices[0]?.token, 'device-1')
})

test('F10: account numbers are logged by their last four, and card numbers are masked', () => {
  const { logger, lines } = captured()
  const destination = { account_number: '1234567890', name: 'Agua Clara' }
  logger.info({ destination, service_account_number: '2345678901' }, 'sends')
  const err = new Error('the PSP answered "card 4111 1111 1111 1111 declined"')
  logger.warn({ err, at_ms: 4111111111111111, pages: [4111111111111111] }, 'no 4111111111111111')
  const text = lines.join('')
  for (const secret of ['1234567890', '2345678901', '4111 1111', '"no 4111']) {
    assert.ok(!text.includes(secret), `${secret} in ${text}`)
  }
  assert.ok(text.includes('****7890') && text.includes('************1111'))
  const line = JSON.parse(lines[1]!) as { at_ms: number; pages: number[] }
  assert.deepEqual([line.at_ms, line.pages], [4111111111111111, [4111111111111111]])
})

test('F10: a long line with many card numbers is read once', () => {
  const { logger, lines } = captured()
  // So long that a line which is read again for each number outlasts the limit of a test.
  logger.info({ text: '4111111111111111a'.repeat(160_000) }, 'x')
  const { text } = JSON.parse(lines[0]!) as { text: string }
  assert.ok(text === '************1111a'.repeat(160_000))
})

test('F10: rows that an error of the database quotes are not logged', () => {
  const { logger, lines } = captured()
  const detail = 'Failing row contains (0192f0c1, 1234567890, BNK112).'
  const members = { code: '23514', constraint: 'orders_amount_positive', severity: 'ERROR', detail }
  logger.error({ err: Object.assign(new Error('violates a constraint'), members) }, 'failed')
  logger.error({ err: Object.assign(new Error('refused'), { detail: 'order 7 is unknown' }) }, 'x')
  assert.ok(!lines[0]!.includes('1234567890') && lines[0]!.includes('orders_amount_positive'))
  assert.ok(lines[1]!.includes('order 7 is unknown'))
})

test('F10: secrets are masked by format in messages, errors and their causes', () => {
  const { logger, lines } = captured()
  const cause = new Error('connect postgres://caudal_app:hunter2@localhost:5432/x')
  logger.error({ err: new Error(`no user for ${JWT}`, { cause }) }, `Bearer ${JWT}`)
  logger.info('authorization: Bearer opaque-token-123')
  logger.info({ url: 'http://127.0.0.1:8080', mail: 'x@y' }, 'basic information')
  const text = lines.join('')
  for (const secret of [JWT, 'hunter2', 'opaque-token-123']) {
    assert.ok(!text.includes(secret), `${secret} in ${text}`)
  }
  assert.equal(lines.length, 3)
  assert.ok(text.includes('basic information') && text.includes('x@y'))
  for (const line of lines) JSON.parse(line)
})

test('an error is logged with its code and stack, without other members', () => {
  const { logger, lines } = captured()
  const error = Object.assign(new Error('boom'), { code: 'X1', request: { body: 'card 4111' } })
  logger.error({ err: error }, 'failed')
  const line = JSON.parse(lines[0] ?? '') as { err: { code: string; stack: string } }
  assert.equal(line.err.code, 'X1')
  assert.match(line.err.stack, /logger\.test/)
  assert.ok(!(lines[0] ?? '').includes('4111'))
})

test('a known fault is logged without a stack', () => {
  const { logger, lines } = captured()
  const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
  const error = Object.assign(new Error('down', { cause }), { retryable: true, code: 'DOWN' })
  logger.warn({ err: error }, 'could not serve a request')
  assert.ok(!(lines[0] ?? '').includes('stack'), lines[0])
  assert.ok((lines[0] ?? '').includes('ECONNREFUSED'))
})

test('repeated warnings and errors are counted, and different ones are written', () => {
  const { logger, lines } = captured()
  const down = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
  for (let index = 0; index < 8_000; index++) {
    logger.warn({ payment_id: `p${index}`, err: down }, 'could not serve a request')
    if (index < 20) logger.info({ index }, 'done')
  }
  logger.warn({ err: new Error('another') }, 'could not serve a request')
  logger.warn({ err: down, peer: 'wallets' }, 'could not serve a request')
  flushLogs()
  const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.equal(parsed.filter(({ level }) => level === 'info').length, 20)
  const warnings = parsed.filter(({ level }) => level === 'warn')
  assert.equal(warnings.length, 8)
  const [last] = warnings.slice(-1)
  assert.deepEqual([last?.repeated, last?.payment_id], [7_995, 'p7999'])
  const total = warnings.reduce((sum, { repeated }) => sum + Number(repeated ?? 1), 0)
  assert.equal(total, 8_002, 'each line is written or counted')
})

test('while a fault lasts one line stands for all of an interval, and later ones are written', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { logger, lines } = captured()
  const warn = (times: number): void => {
    for (let index = 0; index < times; index++) logger.warn({ code: 'X' }, 'could not')
  }
  warn(100)
  assert.equal(lines.length, 5)
  t.mock.timers.tick(10_000)
  assert.equal(lines.length, 6)
  warn(50)
  t.mock.timers.tick(10_000)
  assert.equal(lines.length, 7)
  assert.equal((JSON.parse(lines[6]!) as { repeated: number }).repeated, 50)
  t.mock.timers.tick(10_000)
  warn(1)
  assert.equal(lines.length, 8)
  assert.ok(!lines[7]!.includes('repeated'))
})
