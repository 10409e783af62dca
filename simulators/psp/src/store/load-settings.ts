import type { Db } from '@caudal/postgres/types.ts'
import type { BehaviourSettings } from '../domain/behaviour-settings.ts'

/** Loads the settings of the last PUT; null if there was none. */
export async function loadSettings(db: Db): Promise<BehaviourSettings | null> {
  const { rows } = await db.query<{ settings: BehaviourSettings }>(
    'SELECT settings FROM behaviour_settings',
  )
  return rows[0]?.settings ?? null
}
