import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { BehaviourSettings } from '../domain/behaviour-settings.ts'

/** Replaces the stored settings. */
export async function saveSettings(db: Db, settings: BehaviourSettings): Promise<void> {
  await db.query(sql`
    INSERT INTO behaviour_settings (settings) VALUES (${JSON.stringify(settings)}::jsonb)
    ON CONFLICT (only_row) DO UPDATE SET settings = EXCLUDED.settings, changed_at = now()`)
}
