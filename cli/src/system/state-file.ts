import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** What a running system writes into its data directory for the other commands (mode 0600). */
export type SystemState = {
  pid: number
  /** The machine, or container, in which `pid` means something. */
  host: string
  gateway_url: string | null
  console_url: string | null
  psp_url: string | null
  push_url: string | null
  data_dir: string
  /** Base URL of each service that runs, by name. */
  services: Record<string, string>
  /** Server URL of the role that owns the databases: for `verify`. */
  database_url: string
  /** The command line's own OAuth client. */
  client: { id: string; secret: string }
}

const fileOf = (dataDir: string): string => join(dataDir, 'system.json')

/** Writes the state in one step, so that no reader sees half of it. */
export async function writeState(state: SystemState): Promise<void> {
  const file = fileOf(state.data_dir)
  const draft = `${file}.${state.pid}`
  await writeFile(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  await rename(draft, file)
}

export async function readState(dataDir: string): Promise<SystemState | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(dataDir), 'utf8')) as SystemState
  } catch {
    return undefined
  }
}

/** Removes the state that this process has written, and nobody else's. */
export async function removeOwnState(dataDir: string): Promise<void> {
  const state = await readState(dataDir)
  if (state?.pid === process.pid) await rm(fileOf(dataDir), { force: true })
}

/** Whether the process that wrote the state is known to be gone: it was killed. */
export function isStale({ pid, host }: SystemState): boolean {
  if (host !== hostname()) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
