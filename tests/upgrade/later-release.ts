import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { ROOT } from '../support/root.ts'

const SOURCES = ['cli', 'packages', 'services', 'simulators', 'package.json']

/**
 * The catalogue of the later release: two new types that only notifications must understand, a
 * minor version with a new required member, and a patch with a new optional one.
 */
const CATALOGUE = {
  file: 'packages/contracts/src/catalogue.ts',
  find: 'export const CATALOGUE = {',
  replace: `
function withChannel(row: EventRow) {
  const schema = row.schema as unknown as { properties: object; required: string[] }
  const channel = { type: 'string' }
  return {
    ...row,
    version: '1.2.0',
    upcasts: [...row.upcasts, (event: object) => ({ ...event, channel: 'unknown' })],
    schema: {
      ...JSON.parse(JSON.stringify(schema)),
      properties: { ...JSON.parse(JSON.stringify(schema.properties)), channel },
      required: [...schema.required, 'channel'],
    },
  }
}

function demo(row: EventRow) {
  const schema = { type: 'object', required: ['account_id'] }
  const more = { version: '1.0.0', since: '9.0.0', upcasts: [], consumers: ['notifications'] }
  return { ...row, schema, ...more }
}

const laterRows = {
  'demo.happened': demo(paymentEvents['payment.requested']),
  'demo.noted': demo(paymentEvents['payment.finalized']),
  'payment.requested': { ...paymentEvents['payment.requested'], version: '1.1.1' },
  'payment.finalized': withChannel(paymentEvents['payment.finalized']),
  'funds.reserved': withChannel(fundsEvents['funds.reserved']),
}

export const CATALOGUE = {`,
}

const CATALOGUE_ROWS = {
  file: CATALOGUE.file,
  find: '  ...userEvents,\n}',
  replace: '  ...userEvents,\n  ...laterRows,\n}',
}

/** The later release emits the new members, and the new types behind events of payments. */
const OUTBOX = {
  file: 'packages/outbox/src/add-to-outbox.ts',
  find: 'export function outboxInsert(events: readonly OutboxEvent[]): Sql {',
  replace: `
const NEXT = { 'payment.requested': 'demo.happened', 'payment.finalized': 'demo.noted' }

function asLater(emitted) {
  return emitted.flatMap(({ event, traceparent }) => {
    const later = { event: { ...event, channel: 'app' }, traceparent }
    const type = NEXT[event.event_type]
    if (type === undefined) return [later]
    const { account_id, region, tenant_id, actor } = event
    const demo = { event_type: type, schema_version: '1.0.0', account_id, region, tenant_id, actor }
    return [{ event: { ...demo, event_id: crypto.randomUUID() }, traceparent }, later]
  })
}

export function outboxInsert(emitted: readonly OutboxEvent[]): Sql {
  const events = asLater(emitted)`,
}

/**
 * A release after this one, as a copy of the sources with a few edits; removed with the scope.
 * Dependencies are those of the repository. Resolves to its root.
 */
export async function makeLaterRelease(scope: TestScope): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'caudal-test-later-'))
  // Behind what else ends with the scope: processes of this release still run from it.
  scope.after(() => scope.after(() => rm(root, { recursive: true, force: true })))
  for (const source of SOURCES) {
    await cp(join(ROOT, source), join(root, source), { recursive: true, verbatimSymlinks: true })
  }
  await linkModules(root)
  for (const { file, find, replace } of [CATALOGUE, CATALOGUE_ROWS, OUTBOX]) {
    const text = await readFile(join(root, file), 'utf8')
    if (text.split(find).length !== 2) throw new Error(`${file} has not exactly one "${find}"`)
    await writeFile(
      join(root, file),
      text.replace(find, () => replace),
    )
  }
  return root
}

/** Workspaces come from the copy, everything else from the repository. */
async function linkModules(root: string): Promise<void> {
  const modules = join(root, 'node_modules')
  const installed = join(ROOT, 'node_modules')
  await mkdir(join(modules, '@caudal'), { recursive: true })
  for (const name of await readdir(installed)) {
    if (['@caudal', 'caudal', '.cache'].includes(name)) continue
    await symlink(join(installed, name), join(modules, name))
  }
  await symlink(join(root, 'cli'), join(modules, 'caudal'))
  for (const folder of ['packages', 'services', 'simulators']) {
    for (const name of await readdir(join(root, folder))) {
      const target = join(root, folder, name)
      const manifest = await readFile(join(target, 'package.json'), 'utf8').catch(() => undefined)
      if (manifest === undefined) continue
      const { name: link } = JSON.parse(manifest) as { name: string }
      await symlink(target, join(modules, link))
    }
  }
}
