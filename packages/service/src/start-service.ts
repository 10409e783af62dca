import type { ServiceSettings } from '@caudal/config/service-settings.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { createLogger, type Logger } from '@caudal/telemetry/logger.ts'
import { createMetrics, type Metrics } from '@caudal/telemetry/metrics.ts'

/** Stops a part of a service. */
export type Undo = () => Promise<unknown>

export type ServiceParts = {
  logger: Logger
  metrics: Metrics
  /** Registers how to stop a part that has just started. */
  started(undo: Undo): void
}

/**
 * Starts a service part by part; `build` resolves to its URL. `stop` stops the parts in reverse
 * order, and so does a start that fails.
 */
export async function startService(
  name: string,
  { logLevel: level, region, metricsPrefix: prefix }: ServiceSettings,
  build: (parts: ServiceParts) => Promise<string>,
): Promise<RunningService> {
  const logger = createLogger({ service: name, level, region })
  const undos: Undo[] = []
  const stop = async (): Promise<void> => {
    for (let undo = undos.pop(); undo; undo = undos.pop()) await undo()
  }
  try {
    const started = (undo: Undo): void => void undos.push(undo)
    const url = await build({ logger, metrics: createMetrics(name, { prefix, logger }), started })
    logger.info({ url }, 'listening')
    return { name, url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
