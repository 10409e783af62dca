import { CATALOGUE } from './catalogue.ts'
import type { EventRow } from './event-row.ts'
import { SERVICES } from './services.ts'
import type { Topic } from './topics.ts'

/** The services that have a database, and the simulators. */
export const STATEFUL = [
  ...SERVICES.filter((service) => service !== 'api-gateway'),
  'psp',
  'asyncbank',
  'push',
] as const

export type StatefulService = (typeof STATEFUL)[number]

/** The role of operators' commands: it reads, and decides about parked records. */
export const OPERATOR_ROLE = 'caudal_operator'

/** What a service may reach (ADR 0030). Databases, roles, topics and ACLs derive from it. */
export interface ServiceAccess {
  /** The role that it connects as, to its own database and to the embedded log only. */
  role: string
  database: string
  /** The topics of the events that it owns. */
  appends: readonly Topic[]
  /** The topics of the events that it must understand. */
  reads: readonly Topic[]
}

/** The declaration that grants and their test derive from; topics are those of the catalogue. */
export const ACCESS: Readonly<Record<StatefulService, ServiceAccess>> = Object.fromEntries(
  STATEFUL.map((service) => [service, accessOf(service)]),
) as Record<StatefulService, ServiceAccess>

/** Every role of a system but the one that owns the tables. */
export const ROLES: readonly string[] = [
  ...Object.values(ACCESS).map(({ role }) => role),
  OPERATOR_ROLE,
]

function accessOf(service: StatefulService): ServiceAccess {
  const rows: EventRow[] = Object.values(CATALOGUE)
  const owned = rows.filter(({ owner }) => owner === service)
  const read = rows.filter(({ consumers }) => (consumers as readonly string[]).includes(service))
  return {
    role: `caudal_${service}`,
    database: `caudal_${service}`,
    appends: [...new Set(owned.map(({ topic }) => topic))],
    reads: [...new Set(read.map(({ topic }) => topic))],
  }
}
