import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { removeLocalPostgres } from '@caudal/local-postgres/remove-local-postgres.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { NODE_FLAGS } from '../node-flags.ts'
import { hottestFunctions } from './hottest-functions.ts'

const CLI = join(resolve(import.meta.dirname, '../..'), 'cli/bin/caudal.js')

const logger = createLogger({ service: 'bench', level: 'warn' })

/** The running system. */
export type Launched = { stop(): Promise<void> }

/**
 * Starts the system, or some services, as `npm start` does. With `profile`, prints the functions
 * that used most CPU time when it stops.
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
      ...(services.length > 0 ? ['--embedded'] : []),
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
  await waitUntilReady(child)
  return {
    stop: async () => {
      const exited = new Promise((done) => child.once('exit', done))
      child.kill('SIGTERM')
      await exited
      // If root started it, the files are in an external folder.
      await removeLocalPostgres({ dataDir: join(dataDir, 'postgres'), logger })
      if (profile) {
        for (const line of await hottestFunctions(join(dataDir, 'profiles'))) {
          process.stderr.write(`${line}\n`)
        }
      }
    },
  }
}

function waitUntilReady(child: ChildProcess): Promise<void> {
  return new Promise((done, fail) => {
    createInterface(child.stdout!).once('line', () => done())
    child.once('exit', (code) => fail(new Error(`caudal start ended with exit code ${code}`)))
  })
}
