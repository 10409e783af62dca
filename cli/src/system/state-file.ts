import { readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** The file that a running system writes to its data directory for other commands (mode 0600). */
export type SystemState = {
  pid: number
  /** The machine or container that `pid` belongs to. */
  host: string
  gateway_url: string | null
  console_url: string | null
  psp_url: string | null
  /** Absent in a file that release 0.1.0 wrote. */
  asyncbank_url?: string | null
  push_url: string | null
  data_dir: string
  /** The base URL of each running service, by name. */
  services: Record<string, string>
  /** The base URL of each service's operations port: metrics, readiness, OpenAPI document. */
  operations: Record<string, string>
  /** The server URL of the role that owns the databases, for `verify`. */
  database_url: string
  /** The OAuth client of the command line. */
  client: { id: string; secret: string }
}

const fileOf = (dataDir: string): string => join(dataDir, 'system.json')

/** Writes the state atomically. */
export async function writeSystemState(state: SystemState): Promise<void> {
  const file = fileOf(state.data_dir)
  const draft = `${file}.${state.pid}`
  await writeFile(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  await rename(draft, file)
}

/**
 * Reads the state; undefined if the file is missing or damaged, or was copied with the directory of
 * a running system: a command on the copy must not reach the original.
 */
export async function readSystemState(dataDir: string): Promise<SystemState | undefined> {
  try {
    const state = JSON.parse(await readFile(fileOf(dataDir), 'utf8')) as SystemState
    return (await isCopied(state, dataDir)) ? undefined : state
  } catch {
    return undefined
  }
}

async function isCopied({ data_dir }: SystemState, dataDir: string): Promise<boolean> {
  const written = await realpath(data_dir).catch(() => undefined)
  return written !== undefined && written !== (await realpath(dataDir))
}

/** Removes the state file if this process wrote it. */
export async function removeOwnState(dataDir: string): Promise<void> {
  const state = await readSystemState(dataDir)
  if (state?.pid === process.pid) await rm(fileOf(dataDir), { force: true })
}

/** Whether the process that wrote the state is known to have ended, because it was killed. */
export function isStale({ pid, host }: SystemState): boolean {
  if (host !== hostname()) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
