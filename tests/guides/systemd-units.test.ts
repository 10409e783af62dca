import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { ROOT } from '../support/root.ts'
import { readUnit } from '../support/units/read-unit.ts'

const run = promisify(execFile)
const UNITS = join(ROOT, 'deploy/systemd')
const TEMPLATE = 'caudal@.service'

async function instances(): Promise<string[]> {
  const names = await readdir(UNITS)
  return names.filter((name) => name.endsWith('.service.d')).map((name) => name.slice(0, -2))
}

async function services(): Promise<string[]> {
  const units = ['caudal-migrate.service', ...(await instances())]
  assert.equal(units.length, 6)
  return units
}

/** What confines every unit. */
const CONFINED: Readonly<Record<string, string>> = {
  User: 'caudal',
  NoNewPrivileges: 'yes',
  CapabilityBoundingSet: '',
  ProtectSystem: 'strict',
  ProtectHome: 'yes',
  PrivateTmp: 'yes',
  PrivateDevices: 'yes',
  ProtectKernelTunables: 'yes',
  ProtectControlGroups: 'yes',
  RestrictAddressFamilies: 'AF_INET AF_INET6 AF_UNIX AF_NETLINK',
  SystemCallArchitectures: 'native',
  SystemCallFilter: '@system-service',
  UMask: '0077',
}

test('systemd accepts the units with their drop-ins', async (t) => {
  const isThere = await run('systemd-analyze', ['--version']).catch(() => undefined)
  if (isThere === undefined) return t.skip('systemd-analyze is not installed')
  const folder = await mkdtemp(join(tmpdir(), 'caudal-test-units-'))
  t.after(() => rm(folder, { recursive: true }))
  await cp(UNITS, folder, { recursive: true })
  const units = await services()
  for (const name of units) {
    const file = name.startsWith('caudal@') ? TEMPLATE : name
    const text = await readFile(join(UNITS, file), 'utf8')
    // The program must exist where the unit is verified.
    await writeFile(join(folder, name), text.replaceAll('/usr/bin/node', process.execPath))
  }
  const paths = [...units, 'caudal.target'].map((name) => join(folder, name))
  const env = { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` }
  const { stdout, stderr } = await run('systemd-analyze', ['verify', ...paths], { env })
  assert.equal(stdout + stderr, '')
})

test('each secret of a unit is a credential, and each credential is used', async () => {
  for (const name of await services()) {
    const unit = await readUnit(name)
    const loaded = unit.all('LoadCredential').map((credential) => credential.split(':')[0]!)
    const used = unit.all('Environment').flatMap((line) => /_FILE=%d\/(.*)$/.exec(line)?.[1] ?? [])
    assert.deepEqual(used.toSorted(), loaded.toSorted(), name)
    assert.ok(loaded.length > 0, name)
  }
})

test('every unit is confined, and no drop-in loosens it', async () => {
  for (const name of await services()) {
    const unit = await readUnit(name)
    for (const [setting, value] of Object.entries(CONFINED)) {
      assert.deepEqual(unit.all(setting), [value], `${setting} of ${name}`)
    }
  }
})

test('a unit gives Node the flags of npm start, and its service the name of the unit', async () => {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: { start: string }
  }
  const [, node = '', program = ''] = /^(node .*)(cli\/.*)$/.exec(manifest.scripts.start) ?? []
  const [started = ''] = (await readUnit('caudal@payments.service')).all('ExecStart')
  assert.equal(started, `/usr/bin/${node}/opt/caudal/${program} payments`)
})

test('the target starts each service that has a drop-in', async () => {
  const wanted = (await readUnit('caudal.target')).all('Wants').flatMap((line) => line.split(' '))
  assert.deepEqual(wanted.toSorted(), (await instances()).toSorted())
})
