import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { ErrorCode } from '@caudal/contracts/error-codes.ts'
import { changedCursors } from '@caudal/testing/changed-cursors.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import fc from 'fast-check'
import { assertProblem } from '../support/assert-problem.ts'
import { type FaultyClient, createFaultyClient } from '../support/faulty-client.ts'
import { LARGE_BODIES, malformedBodies } from '../support/malformed-bodies.ts'
import { malformedHttp } from '../support/malformed-http.ts'
import { sendRaw } from '../support/send-raw.ts'
import { sendRequest } from '../support/send-request.ts'
import { suiteSystem } from '../support/suite-system.ts'
import { get, seed, type SeededUser, violationsOf } from '../support/user-client.ts'

const ORDERS = 150
/** The nil and the max UUID, which have no version. */
const SPECIAL_UUIDS = ['0', 'f'].map((digit) => randomUUID().replaceAll(/[^-]/g, digit))

describe('invalid input of every kind gets a precise problem and changes nothing', () => {
  const system = suiteSystem(suiteScope())
  let client: FaultyClient
  let user: SeededUser
  let other: SeededUser

  before(async () => {
    const users = await seed(system.data_dir, { users: 2, orders: ORDERS, balance: '1000.00' })
    ;[user, other] = users as [SeededUser, SeededUser]
    client = createFaultyClient(system.gateway_url, user)
  })

  test('P2: missing and malformed idempotency keys are refused', async () => {
    for (const key of [undefined, '']) {
      const request = client.payment({ headers: { 'idempotency-key': key } })
      await client.refused(`key ${key}`, request, 'IDEMPOTENCY_KEY_REQUIRED')
    }
    const uuid = randomUUID()
    const malformed = [
      'abc',
      '1',
      uuid.replaceAll('-', ''),
      `{${uuid}}`,
      `urn:uuid:${uuid}`,
      `${uuid}x`,
      uuid.replace(/^./, 'g'),
      `${uuid.slice(0, 14)}0${uuid.slice(15)}`,
      `${uuid}, ${randomUUID()}`,
      `'; DROP TABLE payments; --`,
      'ä'.repeat(36),
      'x'.repeat(5_000),
    ]
    for (const key of malformed) {
      const request = client.payment({ headers: { 'idempotency-key': key } })
      await client.refused(`key ${key.slice(0, 60)}`, request, 'INVALID_IDEMPOTENCY_KEY')
    }
    const twice = client.payment({ headers: { 'idempotency-key': [uuid, randomUUID()] } })
    await client.refused('two keys', twice, 'INVALID_IDEMPOTENCY_KEY')
  })

  test('F2: a key may be any RFC 9562 UUID and is compared in lower case', async () => {
    const key = randomUUID()
    const request = client.payment({ headers: { 'idempotency-key': key.toUpperCase() } })
    const first = await sendRequest(system.gateway_url, request)
    assert.equal(first.status, 202, first.text)
    const headers = { ...request.headers, 'idempotency-key': key }
    const again = await sendRequest(system.gateway_url, { ...request, headers })
    assert.deepEqual([again.status, again.text], [202, first.text])
    assert.equal(again.headers.get('idempotency-replayed'), 'true')
    const versions = [1, 3, 4, 5, 6, 7, 8].map((v) => `00000000-0000-${v}000-8000-00000000000a`)
    for (const uuid of [...versions, ...SPECIAL_UUIDS]) {
      const answer = await sendRequest(
        system.gateway_url,
        client.payment({ headers: { 'idempotency-key': uuid } }),
      )
      assert.equal(answer.status, 202, `${uuid}: ${answer.text}`)
    }
  })

  test('P2: malformed bodies and unknown orders are refused', async () => {
    for (const [what, body] of Object.entries(malformedBodies(other.user_id))) {
      await client.refused(what, client.payment({ body }), 'MALFORMED_REQUEST')
    }
    const nobodys = [1, 2, 3, 4, 5, 6, 7, 8].map((v) => `10000000-0000-${v}000-8000-00000000000a`)
    for (const uuid of [...nobodys, ...SPECIAL_UUIDS, SPECIAL_UUIDS[1]!.toUpperCase()]) {
      const body = `{"external_order_id":"${uuid}"}`
      await client.refused(`order ${uuid}`, client.payment({ body }), 'ORDER_NOT_FOUND')
    }
    for (const [what, body] of Object.entries(LARGE_BODIES)) {
      await client.refused(what, client.payment({ body }), 'BODY_TOO_LARGE')
    }
  })

  test('P2: other content types and codings are refused', async () => {
    const types = [
      undefined,
      '',
      'text/plain',
      'application/xml',
      'application/x-www-form-urlencoded',
    ]
    for (const type of [...types, 'multipart/form-data; boundary=x', 'application/jsonp', 'json']) {
      const request = client.payment({ headers: { 'content-type': type } })
      await client.refused(`type ${type}`, request, 'UNSUPPORTED_MEDIA_TYPE')
    }
    for (const coding of ['gzip', 'deflate', 'br', 'x-unknown', 'gzip, gzip']) {
      const body = coding === 'gzip' ? gzipSync('{}') : '{}'
      const request = client.payment({ body, headers: { 'content-encoding': coding } })
      await client.refused(`coding ${coding}`, request, 'UNSUPPORTED_MEDIA_TYPE')
    }
    const plain = client.payment({ headers: { 'content-encoding': 'identity' } })
    assert.equal((await sendRequest(system.gateway_url, plain)).status, 202)
  })

  test('P1: unknown paths, methods and payments are refused', async () => {
    const id = randomUUID()
    const unknown = [
      '/',
      '/api/v1',
      '/api/v1/',
      '/api/v2/payments',
      '/api/v1/PAYMENTS',
      `/api/v1/payments%2F${id}`,
      `/api/v1/payments/${id}/`,
      `/api/v1/payments/${id}/refund`,
      `/api/v1/payments/../wallet`,
      '//api/v1/wallet',
      '/api/v1/wallet/credit',
      '/v1/payments',
      '/v1/wallet',
      `/internal/payments/${id}/steps`,
      `/api/v1/${'x'.repeat(8_000)}`,
    ]
    for (const path of unknown) {
      await client.refused(path.slice(0, 60), client.reading('', { path }), 'ROUTE_NOT_FOUND')
    }
    const odd = [
      'x',
      '1',
      `${id}x`,
      `${id}%00`,
      '..%2F..%2Fwallet',
      '%2e%2e',
      "'%20OR%201=1",
      '%F0%9F%92%B8',
    ]
    for (const one of [id, ...odd]) {
      await client.refused(one, client.reading(`/payments/${one}`), 'PAYMENT_NOT_FOUND')
    }
    await client.refused('a broken escape', client.reading('/payments/%ZZ'), 'MALFORMED_REQUEST')
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY']) {
      const request = { ...client.payment(), method }
      const answer = await client.refused(method, request, 'METHOD_NOT_ALLOWED')
      assert.equal(answer.headers.get('allow'), 'GET, HEAD, POST', method)
    }
    await client.refused(
      'POST of a wallet',
      { ...client.payment(), path: '/api/v1/wallet' },
      'METHOD_NOT_ALLOWED',
    )
    for (const [path, status] of [
      ['/payments', 200],
      [`/payments/${id}`, 404],
      ['/wallet?', 200],
    ] as const) {
      const head = await sendRequest(system.gateway_url, client.reading(path, { method: 'HEAD' }))
      assert.deepEqual([head.status, head.text], [status, ''], path)
      assert.ok(Number(head.headers.get('content-length')) > 0, path)
    }
  })

  test('invalid limits and cursors are refused', async () => {
    const bad = [
      '0',
      '-1',
      '101',
      'abc',
      '1e2',
      '1.5',
      '',
      '+5',
      '007',
      '%00',
      '99999999999999999999',
    ]
    const queries = [
      ...bad.map((limit) => `limit=${limit}`),
      'limit=5&limit=6',
      'limit[]=5x&limit=z',
    ]
    for (const list of ['/payments', '/wallet/entries']) {
      for (const query of queries) {
        await client.refused(
          `${list} ${query}`,
          client.reading(`${list}?${query}`),
          'MALFORMED_REQUEST',
        )
      }
    }
    const real = await realCursors()
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const junk = ['', 'x', 'null', '%00', '%F0%9F%92%B8', `'%20OR%201=1`, 'A'.repeat(600), 'e30']
    const values = [
      null,
      1,
      [],
      {},
      { created_at: 'now()' },
      { version: -1, line: 0 },
      { version: 1e99 },
    ]
    for (const [list, cursor] of Object.entries(real)) {
      const elsewhere = Object.entries(real).find(([name]) => name !== list)![1]
      const tampered = [
        cursor.slice(0, -3),
        cursor.slice(3),
        `${cursor.slice(0, 8)}AAAA${cursor.slice(12)}`,
        `${cursor}!`,
        elsewhere,
        ...changedCursors(cursor).slice(0, 40),
      ]
      for (const one of [...junk, ...values.map(encode), ...tampered]) {
        const path = `${list}?limit=1&cursor=${one}`
        await client.refused(
          `${list} cursor ${one.slice(0, 60)}`,
          client.reading(path),
          'MALFORMED_REQUEST',
        )
      }
    }
    for (const account of [randomUUID(), 'x', "'", '%00', other.account_id]) {
      const path = `/wallet/entries?account_id=${account}`
      await client.refused(
        `account ${account.slice(0, 40)}`,
        client.reading(path),
        'ACCOUNT_NOT_FOUND',
      )
    }
  })

  test('malformed HTTP is refused', async () => {
    const { gateway_url: url } = system
    const { chunked, malformed } = malformedHttp(user.token)
    for (const [what, [text, code]] of Object.entries(malformed)) {
      const answer = await sendRaw(url, Buffer.from(text, 'latin1'))
      assertProblem({ ...answer, contentType: answer.headers.get('content-type') }, code, what)
    }
    const { body } = client.payment()
    const chunks = [...String(body)].map((char) => `1\r\n${char}\r\n`).join('')
    const good = await sendRaw(url, `${chunked}${chunks}0\r\n\r\n`)
    assert.equal(good.status, 202, 'a chunked body is accepted')
    const patient = await sendRequest(url, client.payment({ headers: { expect: '100-continue' } }))
    assert.ok(
      [100, 202].includes(patient.status),
      `a request with Expect: 100-continue is accepted: ${patient.status}`,
    )
    const unheard = await sendRequest(url, client.payment({ headers: { expect: 'a miracle' } }))
    assertProblem(unheard, 'MALFORMED_REQUEST', 'an unknown expectation')
  })

  test('random bytes as body, key, cursor or id get a problem with a code, never a 500', async () => {
    const { gateway_url: url } = system
    const anything = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.json())
    const mistake = fc.oneof(
      anything.map((body) => client.payment({ body })),
      fc
        .uint8Array({ maxLength: 200 })
        .map((bytes) => client.payment({ body: Buffer.from(bytes) })),
      anything.map((text) =>
        client.reading(`/payments/${encodeURIComponent(text.toWellFormed())}`),
      ),
      anything.map((text) =>
        client.reading(`/payments?cursor=${encodeURIComponent(text.toWellFormed())}`),
      ),
      fc
        .string({ unit: fc.constantFrom(...'abc-019 {}"\'%;') })
        .map((key) => client.payment({ headers: { 'idempotency-key': key } })),
    )
    await fc.assert(
      fc.asyncProperty(mistake, async (request) => {
        const answer = await sendRequest(url, request)
        if (answer.status === 200) return // an empty id is the list
        const { code } = JSON.parse(answer.text) as { code: ErrorCode }
        assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.text}`)
        assertProblem(answer, code, JSON.stringify(request))
      }),
      { numRuns: 150 },
    )
  })

  test('verify finds no violations after these tests', async () => {
    assert.deepEqual(await violationsOf(system.data_dir), [])
    assert.equal(await system.stop(), 0)
  })

  /** A real cursor of each list. */
  async function realCursors(): Promise<Record<string, string>> {
    const cursors: Record<string, string> = {}
    for (const list of ['/payments', '/wallet/entries']) {
      const { body } = await eventually(async () => {
        const page = await get(system.gateway_url, user, `${list}?limit=1`)
        return page.body['has_more'] === true && page
      })
      cursors[list] = String(body['next_cursor'])
    }
    return cursors
  }
})
