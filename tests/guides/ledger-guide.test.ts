import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { openEventLog } from '@caudal/event-log/open-event-log.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { findSystem, type System } from 'caudal/system/find-system.ts'
import { dataDirectory, launchSystem } from '../support/launch-system.ts'
import { ROOT } from '../support/root.ts'
import { blocksOf, differenceOf, type Example } from './guide-blocks.ts'
import { startShell, type Shell } from './shell.ts'

/** The ledger's address in the guide. */
const DEFAULT_URL = 'http://127.0.0.1:8082'
const START = /^npx caudal start (.*)$/

describe('the ledger guide', () => {
  const scope = suiteScope()

  test('F1: every example of docs/guides/ledger.md gives the shown output', SLOW, async (t) => {
    const examples = blocksOf(await readFile(join(ROOT, 'docs/guides/ledger.md'), 'utf8'))
    const dataDir = await dataDirectory(scope)
    let shell: Shell | undefined
    let system: System | undefined
    let compared = 0
    const different: string[] = []
    for (const { line, language, code, expected } of examples) {
      if (code === 'npm ci' || language !== 'sh') continue
      const [, services] = START.exec(code) ?? []
      if (services !== undefined) {
        const args = services.split(' ')
        await launchSystem(scope, { dataDir, args })
        system = await findSystem({ dataDir, url: undefined })
        shell = startShell(scope, dataDir)
        const started = args.filter((arg) => !arg.startsWith('--'))
        await areReady(system, started)
        continue
      }
      assert.ok(shell && system, `line ${line}: the system must be started first`)
      const own = code.replaceAll(DEFAULT_URL, system.serviceUrl('wallets'))
      const output = await shell.run(own)
      if (expected === null) continue
      const difference = differenceOf(output, expected)
      if (difference !== null) different.push(`docs/guides/ledger.md:${line}: ${difference}`)
      compared += 1
    }
    t.diagnostic(`${compared} outputs compared`)
    assert.deepEqual(different, [])
    assert.ok(compared >= 20, `only ${compared} outputs were compared`)
    await compareEvent(system!, examples)
  })

  /** Asserts that every service is ready: a ledger by itself needs no other services. */
  async function areReady(of: System, services: readonly string[]): Promise<void> {
    for (const service of services) {
      await eventually(async () => {
        const ready = await fetch(`${of.serviceUrl(service)}/readyz`)
        const text = await ready.text()
        assert.equal(ready.status, 200, `${service}: ${text}`)
        assert.equal((JSON.parse(text) as { status: string }).status, 'ok', `${service}: ${text}`)
        return true
      })
    }
  }

  /** Asserts that the topic has the event that the guide shows. */
  async function compareEvent(system: System, examples: readonly Example[]): Promise<void> {
    const shown = examples.find(({ language }) => language === 'json event')!
    const url = system.databaseUrl('caudal_log')
    const logger = createLogger({ service: 'test', level: 'silent' })
    const log = await openEventLog({ serverUrl: url, url }, logger)
    try {
      const partitions = Array.from({ length: 12 }, (_, partition) => {
        return { topic: TOPICS.ledger, partition, offset: 0n }
      })
      const value = await eventually(async () => {
        const signal = AbortSignal.timeout(5_000)
        const records = await log.read(partitions, { maxRecords: 1_000, waitMs: 100, signal })
        return records.find((record) => record.value.includes('"sale-9-price"'))?.value
      })
      assert.equal(differenceOf(value, shown.expected!), null)
    } finally {
      await log.close()
    }
  }
})
