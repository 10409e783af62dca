import { createBatcher } from '@caudal/batching/create-batcher.ts'
import type { Db } from '@caudal/postgres/types.ts'
import {
  type BehaviourChooser,
  type BehaviourSettings,
  createChooser,
} from './domain/behaviour-settings.ts'
import { loadSettings } from './store/load-settings.ts'
import { saveSettings } from './store/save-settings.ts'

/** The current behaviour settings. */
export interface BehaviourStore {
  readonly settings: BehaviourSettings
  readonly chooser: BehaviourChooser
  /** Stores the settings, then applies them. The random sequence starts over. */
  replace(settings: BehaviourSettings): Promise<void>
}

/** Loads the stored settings, or uses `fallback` if none were ever stored. */
export async function openBehaviourStore(
  db: Db,
  fallback: BehaviourSettings,
): Promise<BehaviourStore> {
  let settings = (await loadSettings(db)) ?? fallback
  let chooser = createChooser(settings)
  // Changes are applied one at a time, so that the settings in force are the last ones stored.
  const changes = createBatcher<BehaviourSettings, void>({
    maxBatch: 1,
    process: async (batch) => {
      for (const next of batch) {
        await saveSettings(db, next)
        settings = next
        chooser = createChooser(next)
      }
      return batch.map(() => undefined)
    },
  })
  return {
    get settings() {
      return settings
    },
    get chooser() {
      return chooser
    },
    replace: (next) => changes.submit(next),
  }
}
