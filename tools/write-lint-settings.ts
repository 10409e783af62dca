// `npm run lint-settings`: writes .oxlintrc.json from tools/lint-settings.ts.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LINT_SETTINGS } from './lint-settings.ts'

const file = join(import.meta.dirname, '..', '.oxlintrc.json')
writeFileSync(file, `${JSON.stringify(LINT_SETTINGS, null, 2)}\n`)
