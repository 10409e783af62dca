import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findRepeatedNames } from './exported-names.ts'

const ONE = 'packages/http/src/places.ts'
const OTHER = 'services/wallets/src/ledger/places.ts'

function twice(text: string, [one, other] = [ONE, OTHER]) {
  return [
    { path: one, text },
    { path: other, text },
  ]
}

test('a name that two files export is found, whatever it is', () => {
  const exported = [
    'export interface Places {}',
    'export type Places = 1',
    'export class Places {}',
    'export const Places = 1',
    'export function Places(): void {}',
    'export async function Places(): Promise<void> {}',
    'export function* Places(): Generator {}',
  ]
  for (const text of exported) {
    assert.deepEqual(findRepeatedNames(twice(`// first line\n${text}`)), [
      `${OTHER}: exports Places, and so does ${ONE}`,
    ])
  }
})

test('different kinds of export count too', () => {
  const files = [
    { path: ONE, text: 'export const Moment = 1' },
    { path: OTHER, text: 'export interface Moment {}' },
  ]
  assert.equal(findRepeatedNames(files).length, 1)
})

test('overloads, inner names, tests, simulators and what every service has are left alone', () => {
  const fine = [
    twice('type Places = 1'),
    twice('/*\nexport type Places = 1\n*/'),
    twice('export function processBatch(): void {}\nexport interface Config {}'),
    twice('export type Places = 1', [ONE, 'services/wallets/src/places.test.ts']),
    twice('export type Places = 1', [ONE, 'services/wallets/test/places.ts']),
    twice('export type Places = 1', [ONE, 'simulators/psp/src/places.ts']),
    [{ path: ONE, text: 'export function a(x: 1): 1\nexport function a(x: 2): 2' }],
  ]
  for (const files of fine) assert.deepEqual(findRepeatedNames(files), [])
})
