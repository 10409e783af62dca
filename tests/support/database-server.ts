import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { databaseUrl } from '@caudal/postgres/database-url.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { readSystemState } from 'caudal/system/state-file.ts'
import pg from 'pg'

/** The state file of a data directory's database server. */
type ServerState = { clusterDir: string; passwords: { caudal_admin: string } }

async function stateOf(dataDir: string): Promise<ServerState> {
  const text = await readFile(join(dataDir, 'postgres', 'state.json'), 'utf8')
  return JSON.parse(text) as ServerState
}

/**
 * Connects as the superuser, to read and to write what no service could write. Only the database
 * server must be running; the system may have been killed.
 */
export async function connectAsAdmin(dataDir: string, database = 'postgres'): Promise<pg.Client> {
  const system = await readSystemState(dataDir)
  if (system === undefined) throw new Error(`no system has been started in ${dataDir}`)
  const url = new URL(system.database_url)
  url.username = 'caudal_admin'
  url.password = (await stateOf(dataDir)).passwords.caudal_admin
  const client = new pg.Client(databaseUrl(url.href, database))
  client.on('error', () => {}) // the server may be stopped or killed before the test disconnects
  await client.connect()
  return client
}

/** The process id of the server; undefined if it is not running. */
export async function databasePid(dataDir: string): Promise<number | undefined> {
  const { clusterDir } = await stateOf(dataDir)
  const text = await readFile(join(clusterDir, 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  return Number.isNaN(pid) || !(await isAlive(pid)) ? undefined : pid
}

/** Kills the server and all its children with SIGKILL, like a power failure. */
export async function killDatabase(dataDir: string): Promise<void> {
  const pid = await databasePid(dataDir)
  if (pid === undefined) throw new Error('no database server is running')
  const all = [pid, ...(await childrenOf(pid))]
  for (const one of all) send(one, 'SIGKILL')
  await eventually(() => noneAlive(all), { label: 'the server has ended' })
}

/** Whether all processes have ended. */
async function noneAlive(pids: readonly number[]): Promise<boolean> {
  const alive = await Promise.all(pids.map(isAlive))
  return !alive.includes(true)
}

/** A zombie counts as ended: in some containers no process reaps it. */
async function isAlive(pid: number): Promise<boolean> {
  if (!send(pid, 0)) return false
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return !/\) [ZX] /.test(stat)
}

/** Sends a signal; false if the process has ended. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** The child processes, on Linux only. On other systems the server's children end with it. */
async function childrenOf(parent: number): Promise<number[]> {
  const names = await readdir('/proc').catch((): string[] => [])
  const pids = names.filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      return stat.split(') ')[1]?.split(' ')[1] === String(parent) ? [Number(pid)] : []
    }),
  )
  return found.flat()
}

/** The running processes whose command line contains the text, as `pid command`; Linux only. */
export async function processesNaming(text: string): Promise<string[]> {
  const names = await readdir('/proc').catch((): string[] => [])
  const found = await Promise.all(
    names.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return command.includes(text) && Number(pid) !== process.pid
        ? [`${pid} ${command.replaceAll('\0', ' ')}`]
        : []
    }),
  )
  return found.flat()
}
