import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { LINT_SETTINGS } from './lint-settings.ts'

test('.oxlintrc.json holds what npm run lint-settings would write', () => {
  const file = join(import.meta.dirname, '..', '.oxlintrc.json')
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), LINT_SETTINGS)
})
