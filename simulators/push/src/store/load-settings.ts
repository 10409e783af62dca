import type { Db } from '@caudal/postgres/types.ts'
import type { BehaviourSettings } from '../domain/behaviour-settings.ts'

/** Settings in force and since when. */
export interface StoredSettings {
  settings: BehaviourSettings
  changedAt: Date
}

/** The settings of the last PUT; null when there was none yet. */
export async function loadSettings(db: Db): Promise<StoredSettings | null> {
  const { rows } = await db.query<StoredSettings>(
    'SELECT settings, changed_at AS "changedAt" FROM behaviour_settings',
  )
  return rows[0] ?? null
}
