import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { SLOW } from '@caudal/testing/slow.ts'
import { dataDirectory, launchSystem } from '../support/launch-system.ts'
import { ROOT } from '../support/root.ts'
import { blocksOf, differenceOf } from './guide-blocks.ts'
import { startShell } from './shell.ts'

const GUIDE = 'docs/guides/refunds.md'
/** What the test has done when it runs the examples. */
const DONE = ['npm ci', 'npx caudal start']

test('P12: every example of docs/guides/refunds.md gives the shown output', SLOW, async (t) => {
  const examples = blocksOf(await readFile(join(ROOT, GUIDE), 'utf8'))
  const dataDir = await dataDirectory(t)
  const { gateway_url: gatewayUrl, psp_url: pspUrl } = await launchSystem(t, { dataDir })
  const shell = startShell(t, dataDir)
  let compared = 0
  const different: string[] = []
  for (const { line, language, code, expected } of examples) {
    if (DONE.includes(code) || language !== 'sh') continue
    const own = code
      .replaceAll('http://127.0.0.1:8080', gatewayUrl)
      .replaceAll('http://127.0.0.1:8087', pspUrl)
    const output = await shell.run(own)
    if (expected === null) continue
    const difference = differenceOf(output, expected)
    if (difference !== null) different.push(`${GUIDE}:${line}: ${difference}`)
    compared += 1
  }
  t.diagnostic(`${compared} outputs compared`)
  assert.deepEqual(different, [])
  assert.ok(compared >= 8, `only ${compared} outputs were compared`)
})
