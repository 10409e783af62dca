import { readdir, readFile } from 'node:fs/promises'

/** CPU time in milliseconds by the purpose of a process. Empty on systems without /proc. */
export type CpuTimes = ReadonlyMap<string, number>

const MS_PER_TICK = 10
const NAME_END = ') '

interface ProcessTimes {
  parent: number
  ms: number
  command: string
}

/** Reads the CPU times of this process's descendants: the service, and PostgreSQL by database. */
export async function readCpuTimes(): Promise<CpuTimes> {
  const processes = await readProcesses()
  const times = new Map<string, number>()
  for (const [pid, { ms, command }] of processes) {
    if (!isDescendant(processes, pid)) continue
    const purpose = purposeOf(command)
    if (purpose !== null) times.set(purpose, (times.get(purpose) ?? 0) + ms)
  }
  return times
}

/** Formats the CPU time between two readings, in microseconds per command, largest first. */
export function explainCpu(before: CpuTimes, after: CpuTimes, commands: number): string {
  return [...after]
    .map(([name, ms]) => ({ name, us: ((ms - (before.get(name) ?? 0)) * 1_000) / commands }))
    .filter(({ us }) => us >= 0.5)
    .toSorted((a, b) => b.us - a.us)
    .map(({ name, us }) => `${name} ${us.toFixed(0)}`)
    .join(', ')
}

async function readProcesses(): Promise<Map<number, ProcessTimes>> {
  const processes = new Map<number, ProcessTimes>()
  for (const entry of await readdir('/proc').catch(() => [])) {
    const pid = Number(entry)
    if (!Number.isInteger(pid)) continue
    try {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(NAME_END) + NAME_END.length).split(' ')
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8')
      const ms = (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK
      processes.set(pid, { parent: Number(fields[1]), ms, command })
    } catch {
      // The process has ended since it was listed.
    }
  }
  return processes
}

function isDescendant(processes: ReadonlyMap<number, ProcessTimes>, pid: number): boolean {
  for (let at = pid; at > 1; at = processes.get(at)?.parent ?? 0) {
    if (processes.get(at)?.parent === process.pid) return true
  }
  return false
}

function purposeOf(command: string): string | null {
  if (command.startsWith('postgres: ')) {
    const [, , database = ''] = command.split(' ')
    if (database.startsWith('caudal_')) return `postgres ${database.slice('caudal_'.length)}`
    return 'postgres background'
  }
  if (command.includes('caudal.js')) return 'service'
  return null
}
