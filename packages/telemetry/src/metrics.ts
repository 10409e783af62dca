import assert from 'node:assert/strict'
import { shareInFlight } from '@caudal/retry/share-in-flight.ts'
import { withDeadline } from '@caudal/retry/with-deadline.ts'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { addBuildInfo } from './build-info.ts'
import type { Logger } from './logger.ts'
import { processRegistry } from './process-metrics.ts'

/**
 * In seconds: from a database statement (1 ms) to a PSP request that hangs (10 s). 0.15 s is the
 * objective of the ledger's commands (F9).
 */
const LATENCY_BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10,
]
/** A scrape waits for no reading longer than this; the scraper has its own deadline. */
const READ_TIMEOUT_MS = 2_000

/** Reads the value of gauges at a scrape. If it throws or is late, they have no value. */
type Read<G> = (gauge: G) => void | Promise<void>

/** A gauge of a group that is read together. */
export interface GaugeSpec<L extends string> {
  name: string
  help: string
  labels?: readonly L[]
}

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
  /**
   * `read` runs at each scrape and sets the value. A gauge that it does not set is absent from the
   * answer, never old: when it throws, is late, or does not know.
   */
  gauge<L extends string = never>(
    name: string,
    help: string,
    labels?: readonly L[],
    read?: Read<Gauge<L>>,
  ): Gauge<L>
  /** Gauges that one reading sets, so that none of them is a scrape behind the others. */
  gauges<L extends string = never>(specs: readonly GaugeSpec<L>[], read: Read<Gauge<L>[]>): void
  /** The response to a scrape: the metrics of the service, then those of the process. */
  text(): Promise<string>
}

export interface MetricsOptions {
  /** Before each name (`caudal_`), where names of several products would collide. */
  prefix?: string | undefined
  /** For gauges that cannot be read. */
  logger?: Logger | undefined
}

/** Creates a separate registry, since several services can run in one process. */
export function createMetrics(service: string, options: MetricsOptions = {}): Metrics {
  const { prefix = '', logger } = options
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  const registers = [registry]
  addBuildInfo(registry)
  const gauges: Metrics['gauges'] = <L extends string>(
    specs: readonly GaugeSpec<L>[],
    read: Read<Gauge<L>[]>,
  ): void => {
    const made: Gauge<L>[] = []
    const [first] = specs
    const clearAll = (): void => {
      for (const [index, gauge] of made.entries()) clear(gauge, specs[index]?.labels ?? [])
    }
    // Two scrapes at once would clear each other's values.
    const collect = shareInFlight(async () => {
      clearAll()
      try {
        await withDeadline(READ_TIMEOUT_MS, async () => read(made))
      } catch (error) {
        clearAll()
        logger?.warn({ err: error, gauge: first?.name }, 'could not read a gauge')
      }
    })
    for (const { name: bare, help, labels = [] } of specs) {
      const name = prefix + bare
      const make = () => new Gauge<L>({ name, help, labelNames: [...labels], registers, collect })
      made.push(declared(registry, name, Gauge<L>, make))
    }
  }
  return {
    registry,
    gauges,
    counter(bare, help, labels = []) {
      const name = prefix + bare
      const make = () => new Counter({ name, help, labelNames: [...labels], registers })
      return declared(registry, name, Counter, make)
    },
    histogram(bare, help, labels = [], buckets = LATENCY_BUCKETS) {
      const name = prefix + bare
      const make = () =>
        new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers })
      return declared(registry, name, Histogram, make)
    },
    gauge<L extends string>(
      bare: string,
      help: string,
      labels: readonly L[] = [],
      read?: Read<Gauge<L>>,
    ) {
      const name = prefix + bare
      const known = registry.getSingleMetric(name)
      if (known === undefined && read !== undefined) {
        gauges([{ name: bare, help, labels }], ([gauge]) => read(gauge!))
      }
      const make = () => new Gauge<L>({ name, help, labelNames: [...labels], registers })
      return declared(registry, name, Gauge<L>, make)
    },
    text: shareInFlight(async () => {
      const parts = await Promise.all([registry.metrics(), processRegistry(prefix).metrics()])
      return parts.join('\n')
    }),
  }
}

/** Removes all values. `reset` gives a gauge without labels the value 0, which is removed too. */
function clear<L extends string>(gauge: Gauge<L>, labels: readonly L[]): void {
  gauge.reset()
  if (labels.length === 0) gauge.remove()
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
