import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { TestScope } from './test-database.ts'

/** A service in a process of its own. */
export interface Killable {
  url: string
  /** Ends the process by SIGKILL. */
  kill(): Promise<void>
}

const PROGRAM = `
  const { readConfig } = await import(process.env.KILLABLE_SOURCE + 'config.ts')
  const { start } = await import(process.env.KILLABLE_SOURCE + 'main.ts')
  const { url } = await start(readConfig(process.env))
  console.log(url)
`

/**
 * Starts the service whose `config.ts` and `main.ts` are in the folder `source`, with its logs
 * silent. It is killed at the end of the scope at the latest.
 *
 * @throws {Error} if it ends before it listens
 */
export async function startKillable(
  scope: TestScope,
  source: URL,
  env: NodeJS.ProcessEnv,
): Promise<Killable> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    env: { ...process.env, ...env, CAUDAL_LOG_LEVEL: 'silent', KILLABLE_SOURCE: source.href },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  scope.after(kill)
  const lines = createInterface(child.stdout)
  const url = await Promise.race([
    once(lines, 'line').then(([line]) => String(line)),
    exited.then(() => Promise.reject(new Error('the service ended before it listened'))),
  ])
  return { url, kill }
}
