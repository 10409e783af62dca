import type { Db } from '@caudal/postgres/types.ts'
import type { BehaviourSettings } from '../domain/behaviour-settings.ts'

/** Stored settings and when they were changed last. */
export interface StoredSettings {
  settings: BehaviourSettings
  changedAt: Date
}

/** Loads the settings of the last PUT; null if there was none. */
export async function loadSettings(db: Db): Promise<StoredSettings | null> {
  const { rows } = await db.query<StoredSettings>(
    'SELECT settings, changed_at AS "changedAt" FROM behaviour_settings',
  )
  return rows[0] ?? null
}
