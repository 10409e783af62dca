import { isDeepStrictEqual } from 'node:util'
import type { Db } from '@caudal/postgres/types.ts'
import { runPeriodically } from '@caudal/retry/run-periodically.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { SigningKey } from '../domain/signing-key.ts'
import { findSigningKeys } from '../store/signing-keys.ts'

export interface FollowedKeys {
  /** Never empty: without any in the database those of before go on. */
  current(): readonly SigningKey[]
  stop(): Promise<void>
}

const PAUSE_MS = 2_000

/** Reads the signing keys every two seconds, so that new and retired ones need no restart. */
export function followSigningKeys(deps: {
  db: Db
  keys: readonly SigningKey[]
  logger: Logger
  onChange: (keys: readonly SigningKey[]) => void
}): FollowedKeys {
  const { db, logger, onChange } = deps
  let { keys } = deps
  const work = async (): Promise<void> => {
    const found = await findSigningKeys(db)
    if (found.length === 0 || isDeepStrictEqual(found, keys)) return
    keys = found
    logger.info({ kids: keys.map(({ kid }) => kid) }, 'the signing keys have changed')
    onChange(keys)
  }
  const onFault = (err: unknown): void => logger.warn({ err }, 'could not read the signing keys')
  const reading = runPeriodically({ pauseMs: PAUSE_MS, work, onFault })
  return { current: () => keys, stop: () => reading.stop() }
}
