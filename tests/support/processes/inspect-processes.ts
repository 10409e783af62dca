import { request } from 'undici'
import { connectAsAdmin } from '../database-server.ts'
import type { Service } from './plan-processes.ts'
import type { Processes } from './run-processes.ts'
import type { ServiceProcess } from './service-process.ts'

/** A metric of one process, summed over all labels or those with a kind; 0 if it does not exist. */
export async function metricOf(
  process: ServiceProcess,
  name: string,
  kind?: string,
): Promise<number> {
  const { body } = await request(`${process.url}/metrics`)
  const lines = (await body.text()).split('\n')
  const named = lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  const own = kind === undefined ? named : named.filter((line) => line.includes(`kind="${kind}"`))
  return own.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

/** A metric summed over all running processes of the services. */
export async function totalOf(
  system: Processes,
  services: readonly Service[],
  name: string,
  kind?: string,
): Promise<number> {
  const alive = services.flatMap((one) => system.of(one)).filter(({ pid }) => pid)
  const values = await Promise.all(alive.map((one) => metricOf(one, name, kind)))
  return values.reduce((sum, value) => sum + value, 0)
}

/** The process whose relay publishes the service's outbox; undefined during a takeover. */
export async function relayOf(
  system: Processes,
  service: Service,
): Promise<ServiceProcess | undefined> {
  for (const process of system.of(service)) {
    const active = await metricOf(process, 'relay_active').catch(() => 0)
    if (active === 1) return process
  }
  return undefined
}

/** Counts rows in a service's database; `what` is a table with an optional WHERE clause. */
export async function countIn(dataDir: string, database: string, what: string): Promise<number> {
  const admin = await connectAsAdmin(dataDir, `caudal_${database}`)
  try {
    const text = `SELECT count(*)::int AS found FROM ${what}`
    return (await admin.query<{ found: number }>(text)).rows[0]!.found
  } finally {
    await admin.end()
  }
}

/** The number of completed payments. */
export function completedIn(dataDir: string): Promise<number> {
  return countIn(dataDir, 'payments', `payments WHERE status = 'COMPLETED'`)
}
