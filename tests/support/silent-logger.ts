import { createLogger } from '@caudal/telemetry/logger.ts'

/** Writes nothing. */
export const silentLogger = createLogger({ service: 'test', level: 'silent' })
