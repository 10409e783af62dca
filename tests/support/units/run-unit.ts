import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { ROOT } from '../root.ts'
import { parseEnvironmentFile, readUnit, type Unit } from './read-unit.ts'

const KEPT_LINES = 400

/** A process that a unit started. */
export type UnitProcess = {
  exited: Promise<number | null>
  hasExited(): boolean
  logs(): string
}

/** Starts units of deploy/systemd as processes, as systemd would without its sandbox. */
export type Units = {
  start(name: string): Promise<UnitProcess>
  /** Starts any program with an environment of its own. */
  run(words: readonly string[], env: NodeJS.ProcessEnv): UnitProcess
}

/** `etc` stands for `/etc/caudal`. The processes end with the scope. */
export function unitsOf(scope: TestScope, etc: string): Units {
  const children: { child: ChildProcess; exited: Promise<unknown> }[] = []
  scope.after(async () => {
    for (const { child } of children) child.kill('SIGTERM')
    await Promise.all(children.map(({ exited }) => exited))
  })
  const placed = (text: string): string =>
    text
      .replaceAll('/etc/caudal', etc)
      .replaceAll('/opt/caudal', ROOT)
      .replaceAll('/usr/bin/node', process.execPath)

  const run = ([program = '', ...words]: readonly string[], env: NodeJS.ProcessEnv) => {
    const lines: string[] = []
    // With an IPC channel, the process ends when its parent dies.
    const stdio = ['ignore', 'pipe', 'pipe', 'ipc'] as const
    const child = spawn(program, words, {
      cwd: ROOT,
      stdio: [...stdio],
      env: { ...base(), ...env },
    })
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        lines.push(text)
        if (lines.length > KEPT_LINES) lines.shift()
      })
    }
    const exited = once(child, 'exit').then(([code]) => code as number | null)
    children.push({ child, exited })
    const hasExited = (): boolean => child.exitCode !== null || child.signalCode !== null
    return { exited, hasExited, logs: () => lines.join('') }
  }

  return {
    run,
    async start(name) {
      const unit = await readUnit(name)
      const credentials = join(etc, 'run', name)
      await copyCredentials(unit, credentials, placed)
      const env = await environmentOf(unit, placed)
      const [exec = ''] = unit.all('ExecStart')
      const own = Object.entries(env).map(([key, value]) => [
        key,
        placed(value.replaceAll('%d', credentials)),
      ])
      return run(placed(exec).split(' '), Object.fromEntries(own))
    },
  }
}

/** What systemd gives every service. */
function base(): NodeJS.ProcessEnv {
  const names = ['PATH', 'LANG', 'TMPDIR', 'NODE_COMPILE_CACHE', 'SystemRoot']
  return Object.fromEntries(names.map((name) => [name, process.env[name]]))
}

/** Systemd does not start a unit of which a credential is missing; neither does this. */
async function copyCredentials(
  unit: Unit,
  folder: string,
  placed: (text: string) => string,
): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const credential of unit.all('LoadCredential')) {
    const [id = '', path = ''] = credential.split(':')
    await copyFile(placed(path), join(folder, id))
  }
}

/** `Environment=` first; files come after it, wherever they are in the unit. */
async function environmentOf(
  unit: Unit,
  placed: (text: string) => string,
): Promise<Record<string, string>> {
  const env: Record<string, string> = {}
  for (const line of unit.all('Environment')) Object.assign(env, parseEnvironmentFile(line))
  for (const file of unit.all('EnvironmentFile')) {
    const path = placed(file.replace(/^-/, ''))
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (file.startsWith('-')) return ''
      throw error
    })
    Object.assign(env, parseEnvironmentFile(text))
  }
  return env
}
