import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { removeLocalPostgres } from '@caudal/local-postgres/remove-local-postgres.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { NODE_FLAGS } from '../node-flags.ts'
import { widestEntries } from './widest-entries.ts'

const CLI = join(resolve(import.meta.dirname, '../..'), 'cli/bin/caudal.js')

const logger = createLogger({ service: 'bench', level: 'warn' })

export type Launched = { stop(): Promise<void> }

/**
 * Starts the system, or some services, as `npm start` does. With `profile` its CPU profile's widest
 * entries are printed when it stops.
 */
export async function launch(
  dataDir: string,
  profile: boolean,
  services: readonly string[] = [],
): Promise<Launched> {
  const profileArgs = profile ? ['--cpu-prof', `--cpu-prof-dir=${join(dataDir, 'profiles')}`] : []
  const child = spawn(
    process.execPath,
    [
      ...NODE_FLAGS,
      ...profileArgs,
      CLI,
      'start',
      ...services,
      '--json',
      '--port',
      '0',
      '--data',
      dataDir,
    ],
    {
      stdio: ['ignore', 'pipe', process.env['CAUDAL_BENCH_LOGS'] ? 'inherit' : 'ignore'],
      env: { ...process.env, CAUDAL_LOG_LEVEL: process.env['CAUDAL_LOG_LEVEL'] ?? 'warn' },
    },
  )
  await ready(child)
  return {
    stop: async () => {
      const exited = new Promise((done) => child.once('exit', done))
      child.kill('SIGTERM')
      await exited
      // As root its files are elsewhere, where PostgreSQL's own user can reach them.
      await removeLocalPostgres({ dataDir: join(dataDir, 'postgres'), logger })
      if (profile) {
        for (const line of await widestEntries(join(dataDir, 'profiles'))) {
          process.stderr.write(`${line}\n`)
        }
      }
    },
  }
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((done, fail) => {
    createInterface(child.stdout!).once('line', () => done())
    child.once('exit', (code) => fail(new Error(`caudal start ended with ${code}`)))
  })
}
