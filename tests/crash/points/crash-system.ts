import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CATALOGUE } from '@caudal/contracts/catalogue.ts'
import { CRASH_POINTS, type CrashPoint } from '@caudal/crash-points/steps.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { addressesOf, PLAY_ENV, type PlayedSystem } from '../../money-back/played-system.ts'
import { dataDirectory } from '../../support/launch-system.ts'
import {
  type Processes,
  type ProcessesOptions,
  runProcesses,
} from '../../support/processes/run-processes.ts'
import type { ServiceProcess } from '../../support/processes/service-process.ts'
import { CRASHED, type Crashed, type ServicePoints } from './service-points.ts'

/** Services as processes that tests kill at their crash points. */
export type CrashSystem = {
  played: PlayedSystem
  processes: Processes
}

/** Production refuses crash points. What a dead process had leased is soon free. */
const ENV = {
  ...PLAY_ENV,
  NODE_ENV: 'test',
  CAUDAL_NOTIFICATIONS_IDENTITY_TIMEOUT: '1s',
  CAUDAL_PUSH_TIMEOUT: '1s',
  CAUDAL_PUSH_LEASE: '3s',
}
const REACHED_MS = 60_000

/** Starts every service in its own process, without a crash point; they end with the scope. */
export async function startCrashSystem(
  scope: TestScope,
  { env, ...options }: Omit<ProcessesOptions, 'dataDir'> = {},
): Promise<CrashSystem> {
  const dataDir = await dataDirectory(scope)
  const processes = await runProcesses({ ...options, dataDir, env: { ...ENV, ...env } })
  scope.after(async () => void (await processes.stop()))
  const played: PlayedSystem = {
    dataDir,
    at: () => addressesOf(processes),
    crash: () => Promise.reject(new Error('it crashes at its points only')),
  }
  return { played, processes }
}

/**
 * Starts each service again and again, each time to die at its next point, and last without one;
 * all services at once. Returns the points that were not reached in time.
 */
export async function killAtPoints(
  system: CrashSystem,
  points: ServicePoints,
  report: (line: string) => void,
): Promise<string[]> {
  const { processes } = system
  const missed = await Promise.all(
    CRASHED.map(async (service) => {
      const own: string[] = []
      const [one] = processes.of(service)
      for (const point of points[service] ?? []) {
        const beganAt = performance.now()
        if (!(await killAt(system, service, point))) own.push(`${service} did not reach ${point}`)
        report(`${service} at ${point} after ${Math.round(performance.now() - beganAt)} ms`)
      }
      await restart(one!)
      return own
    }),
  )
  return missed.flat()
}

/** Starts the service to die at the point; false if it did not reach it. */
async function killAt(
  { played, processes }: CrashSystem,
  service: Crashed,
  point: CrashPoint,
): Promise<boolean> {
  const [one] = processes.of(service)
  const file = logOf(played, service)
  const deaths = async () => (await linesOf(file)).filter((it) => it === `killed ${point}`).length
  const before = await deaths()
  let isDead = false
  try {
    await restart(one!, { CAUDAL_CRASH_POINT: point, CAUDAL_CRASH_LOG: file })
  } catch (error) {
    if ((await deaths()) === before) throw error // it ended for another reason
  }
  void one!.ended().then(() => (isDead = true))
  await eventually(() => isDead, { timeoutMs: REACHED_MS }).catch(() => {})
  return (await deaths()) > before
}

/**
 * Starts the services to record which points they reach, until each point is reached by some
 * service, and those of a topic by each of its consumers. Throws for those that are not.
 */
export async function discoverPoints({ played, processes }: CrashSystem): Promise<ServicePoints> {
  const restartAll = (envOf: (service: Crashed) => NodeJS.ProcessEnv) =>
    Promise.all(CRASHED.map((service) => restart(processes.of(service)[0]!, envOf(service))))
  await restartAll((service) => ({ CAUDAL_CRASH_LOG: logOf(played, service) }))
  const reached = async (): Promise<[Crashed, CrashPoint[]][]> =>
    Promise.all(
      CRASHED.map(async (service): Promise<[Crashed, CrashPoint[]]> => {
        const lines = new Set<string>(await linesOf(logOf(played, service)))
        return [service, CRASH_POINTS.filter((point) => lines.has(point))]
      }),
    )
  await eventually(
    async () => {
      const never = neverReached(new Map(await reached()))
      if (never.length > 0) throw new Error(never.join(', '))
      return true
    },
    { timeoutMs: 2 * REACHED_MS, label: 'every crash point is reached' },
  )
  await restartAll(() => ({}))
  return Object.fromEntries(await reached())
}

function neverReached(points: ReadonlyMap<Crashed, readonly CrashPoint[]>): string[] {
  const all = new Set([...points.values()].flat())
  const batches = Object.values(CATALOGUE).flatMap(({ topic, consumers }) =>
    consumers.map((service: Crashed) => ({ service, point: `${topic}.after` as CrashPoint })),
  )
  const never = batches.filter(({ service, point }) => !points.get(service)!.includes(point))
  return [
    ...CRASH_POINTS.filter((point) => !all.has(point)),
    ...never.map(({ service, point }) => `${service} ${point}`),
  ]
}

async function restart(one: ServiceProcess, env?: NodeJS.ProcessEnv): Promise<void> {
  await one.stop()
  await one.start(env)
}

function logOf({ dataDir }: PlayedSystem, service: Crashed): string {
  return join(dataDir, 'logs', `${service}.points`)
}

async function linesOf(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8').catch(() => '')).split('\n')
}
