import { collectDefaultMetrics, Registry } from 'prom-client'

/** Gauges whose names end like those of counters; each has a twin by type without that ending. */
const MISNAMED = [
  'nodejs_active_resources_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
]

const registries = new Map<string, Registry>()

/** Memory, CPU and event loop: of the process, so its services share one registry. */
export function processRegistry(prefix: string): Registry {
  let registry = registries.get(prefix)
  if (registry === undefined) {
    registry = new Registry()
    collectDefaultMetrics({ register: registry, prefix })
    for (const name of MISNAMED) registry.removeSingleMetric(prefix + name)
    registries.set(prefix, registry)
  }
  return registry
}
