import type { Db } from '@caudal/postgres/types.ts'
import type { BehaviourSettings } from '../domain/behaviour-settings.ts'

const SAVE_SETTINGS = `
  INSERT INTO behaviour_settings (settings) VALUES ($1::jsonb)
  ON CONFLICT (only_row) DO UPDATE SET settings = EXCLUDED.settings, changed_at = now()`

/** Replaces the settings for good: they outlive a restart. */
export async function saveSettings(db: Db, settings: BehaviourSettings): Promise<void> {
  await db.query(SAVE_SETTINGS, [JSON.stringify(settings)])
}
