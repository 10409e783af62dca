import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findLooseVersions, findUnlockedPlatforms, findUnnamedScripts } from './manifests.ts'

function json(path: string, content: unknown) {
  return { path, text: JSON.stringify(content) }
}

test('a range is found, an exact version and a pre-release are not', () => {
  const loose = json('services/wallets/package.json', { dependencies: { pg: '^8.23.1' } })
  assert.equal(findLooseVersions([loose]).length, 1)
  const exact = { dependencies: { pg: '8.23.1' }, devDependencies: { x: '18.4.0-beta.17' } }
  assert.deepEqual(findLooseVersions([json('package.json', exact)]), [])
})

test('an install script that npm may not run is found', () => {
  const lock = json('package-lock.json', {
    packages: { '': {}, 'node_modules/@a/b': { hasInstallScript: true }, 'node_modules/c': {} },
  })
  assert.deepEqual(findUnnamedScripts([lock, json('package.json', {})]), [
    'package.json: allowScripts does not name @a/b',
  ])
  const allowing = json('package.json', { allowScripts: { '@a/b': true } })
  assert.deepEqual(findUnnamedScripts([lock, allowing]), [])
})

test('a platform that the lock file lacks is found, nested or hoisted ones are not', () => {
  const optionalDependencies = { '@x/linux': '1.0.0', '@x/windows': '1.0.0' }
  const packages = {
    '': {},
    'node_modules/x': { optionalDependencies },
    'node_modules/@x/linux': {},
    'node_modules/x/node_modules/@x/windows': {},
  }
  assert.deepEqual(findUnlockedPlatforms([json('package-lock.json', { packages })]), [])
  const { 'node_modules/@x/linux': _, ...lacking } = packages
  assert.deepEqual(findUnlockedPlatforms([json('package-lock.json', { packages: lacking })]), [
    'package-lock.json: lacks @x/linux, an optional dependency of node_modules/x',
  ])
})
