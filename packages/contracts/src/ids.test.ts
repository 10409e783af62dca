import assert from 'node:assert/strict'
import { test } from 'node:test'
import { v1, v3, v4, v5, v6, v7, version, NIL, MAX } from 'uuid'
import { isUuid, newId } from './ids.ts'

test('any RFC 9562 UUID is one, in either case, nil and max included', () => {
  const named = [v3('x', v3.URL), v5('x', v5.URL)]
  for (const uuid of [...named, v1(), v4(), v6(), v7(), newId(), NIL, MAX]) {
    assert.ok(isUuid(uuid), uuid)
    assert.ok(isUuid(uuid.toUpperCase()), uuid)
  }
})

test('nothing else is a UUID', () => {
  const id = newId()
  const versions = ['0', '9', 'f'].map((digit) => `${id.slice(0, 14)}${digit}${id.slice(15)}`)
  const variants = ['7', 'c'].map((digit) => `${id.slice(0, 19)}${digit}${id.slice(20)}`)
  const forms = ['', `{${id}}`, `urn:uuid:${id}`, `${id}\n`, ` ${id}`, id.replaceAll('-', '')]
  for (const text of [...versions, ...variants, ...forms]) assert.ok(!isUuid(text), text)
})

test('a fresh id is a UUIDv7 in lower case that begins with its time; each is above the last', () => {
  const began = Date.now()
  const ids = Array.from({ length: 5_000 }, newId)
  const ended = Date.now()
  for (const [index, id] of ids.entries()) {
    assert.equal(version(id), 7, id)
    assert.equal(id, id.toLowerCase())
    const at = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
    assert.ok(at >= began && at <= ended, `${id} is not of its time`)
    assert.ok(index === 0 || id > ids[index - 1]!, `${id} is not above ${ids[index - 1]}`)
  }
})
