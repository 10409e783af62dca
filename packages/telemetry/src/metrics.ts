import assert from 'node:assert/strict'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** In seconds: from a database statement (1 ms) to a PSP request that hangs (10 s). */
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * The metrics of one service (P13). Declaring a name twice returns the same metric, so that each
 * part of a service can declare the metrics it uses.
 */
export interface Metrics {
  registry: Registry
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>
  histogram<L extends string = never>(
    name: string,
    help: string,
    labels?: readonly L[],
    buckets?: readonly number[],
  ): Histogram<L>
  /** `collect` runs at each scrape, for values that are cheaper to read than to maintain. */
  gauge<L extends string = never>(
    name: string,
    help: string,
    labels?: readonly L[],
    collect?: (gauge: Gauge<L>) => void | Promise<void>,
  ): Gauge<L>
  /** The response to a scrape: the metrics of the service, then those of the process. */
  text(): Promise<string>
}

/** Creates a separate registry, since several services can run in one process. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  const registers = [registry]
  return {
    registry,
    counter(name, help, labels = []) {
      const make = () => new Counter({ name, help, labelNames: [...labels], registers })
      return declared(registry, name, Counter, make)
    },
    histogram(name, help, labels = [], buckets = LATENCY_BUCKETS) {
      const make = () =>
        new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers })
      return declared(registry, name, Histogram, make)
    },
    gauge<L extends string>(
      name: string,
      help: string,
      labels: readonly L[] = [],
      collect?: (gauge: Gauge<L>) => void | Promise<void>,
    ) {
      const onScrape = collect && {
        collect(this: Gauge<L>) {
          return collect(this)
        },
      }
      const make = () =>
        new Gauge<L>({ name, help, labelNames: [...labels], registers, ...onScrape })
      return declared(registry, name, Gauge<L>, make)
    },
    async text() {
      const parts = await Promise.all([registry.metrics(), processRegistry().metrics()])
      return parts.join('\n')
    },
  }
}

function declared<M>(
  registry: Registry,
  name: string,
  kind: new (...options: never[]) => M,
  make: () => M,
): M {
  const known: unknown = registry.getSingleMetric(name)
  if (known === undefined) return make()
  assert(known instanceof kind, `metric ${name} is declared twice with different kinds`)
  return known
}

let processMetrics: Registry | undefined

// Memory, CPU and event loop metrics belong to the process, so its services share one registry.
function processRegistry(): Registry {
  if (processMetrics === undefined) {
    processMetrics = new Registry()
    collectDefaultMetrics({ register: processMetrics })
  }
  return processMetrics
}
