import type { Db } from '@caudal/postgres/types.ts'
import {
  type BehaviourChooser,
  type BehaviourSettings,
  createChooser,
} from './behaviour-settings.ts'
import { BEHAVIOUR_SETTINGS, openSettings } from './settings-table.ts'

/** The current behaviour settings. */
export interface BehaviourStore {
  readonly settings: BehaviourSettings
  readonly chooser: BehaviourChooser
  /** Stores the settings, then applies them. The random sequences start over. */
  replace(settings: BehaviourSettings): Promise<void>
}

/** Loads the stored settings, or uses `fallback` if none were ever stored. */
export async function openBehaviourStore(
  db: Db,
  fallback: BehaviourSettings,
): Promise<BehaviourStore> {
  const stored = await openSettings(db, BEHAVIOUR_SETTINGS, {
    fallback,
    onChange: (settings) => {
      chooser = createChooser(settings)
    },
  })
  let chooser = createChooser(stored.current)
  return {
    get settings() {
      return stored.current
    },
    get chooser() {
      return chooser
    },
    replace: (next) => stored.replace(next),
  }
}
