import assert from 'node:assert/strict'
import { test } from 'node:test'
import { call, startWorld } from './world.ts'

interface Operation {
  parameters: { name: string; required: boolean }[]
  requestBody: { content: Record<string, { schema: { properties: Record<string, Items> } }> }
}
interface Items {
  maxItems: number
  items: { anyOf: { properties: Record<string, unknown> }[] }
}

test('the OpenAPI document has the headers and bodies of all writes', async (t) => {
  const world = await startWorld(t)
  const { paths } = (await call(world, '/openapi.json')).json as {
    paths: Record<string, { post?: Operation }>
  }
  const keys = Object.entries(paths).flatMap(([path, { post }]) => {
    const key = post?.parameters.find(({ name }) => name === 'x-idempotency-key')
    if (!post) return []
    const names = post.parameters.map(({ name }) => name)
    assert.ok(names.includes('x-trace-id'), path)
    return [[path, key?.required]]
  })
  const account = '/v1/accounts/{account_id}'
  const keyed = [
    ...['credit', 'debit', 'hold', 'commit', 'rollback'].map((kind) => `/v1/wallet/${kind}`),
    ...['freeze', 'unfreeze', 'close', 'overdraft'].map((change) => `${account}/${change}`),
    '/v1/transfers',
  ]
  assert.deepEqual(Object.fromEntries(keys), {
    ...Object.fromEntries(keyed.map((path) => [path, true])),
    // Its commands have keys of their own, unless it is atomic; opening needs none.
    '/v1/batch': false,
    '/v1/accounts': undefined,
  })
  const bodyOf = (path: string) =>
    paths[path]!.post!.requestBody.content['application/json']!.schema.properties
  assert.equal(bodyOf('/v1/transfers')['postings']!.maxItems, 100)
  const { maxItems, items } = bodyOf('/v1/batch')['commands']!
  assert.equal(maxItems, 1_000)
  const kinds = items.anyOf.map(({ properties: { command, idempotency_key, ...body } }) => {
    assert.ok(idempotency_key)
    const { const: kind } = command as { const: string }
    const route = kind === 'transfer' ? '/v1/transfers' : `/v1/wallet/${kind}`
    assert.deepEqual(body, bodyOf(route), kind)
    return kind
  })
  assert.deepEqual(kinds, ['credit', 'debit', 'hold', 'commit', 'rollback', 'transfer'])
})
