import type { CrashPoint } from '@caudal/crash-points/steps.ts'
import type { Service } from '../../support/processes/plan-processes.ts'

/** The services that have crash points. */
export const CRASHED = [
  'identity',
  'orders',
  'wallets',
  'payments',
  'processor',
  'notifications',
] as const satisfies readonly Service[]
/** The name of a service that has crash points. */
export type Crashed = (typeof CRASHED)[number]

/** The points of each service, in the order in which they kill it. */
export type ServicePoints = Partial<Record<Crashed, readonly CrashPoint[]>>

/** Splits the points into parts with at most so many of each service. */
export function inParts(points: ServicePoints, most: number): ServicePoints[] {
  const longest = Math.max(0, ...Object.values(points).map(({ length }) => length))
  return Array.from({ length: Math.ceil(longest / most) }, (_, part) =>
    mapPoints(points, (own) => own.slice(part * most, (part + 1) * most)),
  )
}

function mapPoints(
  points: ServicePoints,
  map: (own: readonly CrashPoint[]) => readonly CrashPoint[],
): ServicePoints {
  const entries = Object.entries(points) as [Crashed, readonly CrashPoint[]][]
  return Object.fromEntries(entries.map(([service, own]) => [service, map(own)]))
}
