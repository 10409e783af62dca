import { createBatcher } from '@caudal/batching/create-batcher.ts'
import type { Db } from '@caudal/postgres/types.ts'
import {
  type BehaviourSettings,
  completeSettings,
  createChooser,
} from './domain/behaviour-settings.ts'
import type { Behaviour } from './domain/behaviour.ts'
import { loadSettings } from './store/load-settings.ts'
import { saveSettings } from './store/save-settings.ts'

/** The current behaviour settings. */
export interface BehaviourStore {
  readonly settings: BehaviourSettings
  /** When they were changed last, in Unix milliseconds. */
  readonly changedAtMs: number
  choose(deviceToken: string): Behaviour
  /** Stores the settings, then applies them. */
  replace(settings: BehaviourSettings): Promise<void>
}

/** Loads the stored settings. Without any, every push is accepted. */
export async function openBehaviourStore(db: Db): Promise<BehaviourStore> {
  const stored = await loadSettings(db)
  let settings = stored?.settings ?? completeSettings({})
  let changedAtMs = stored?.changedAt.getTime() ?? Date.now()
  let choose = createChooser(settings)
  // Changes are applied one at a time, so that the settings in force are the last ones stored.
  const changes = createBatcher<BehaviourSettings, void>({
    maxBatch: 1,
    process: async (batch) => {
      for (const next of batch) {
        await saveSettings(db, next)
        settings = next
        changedAtMs = Date.now()
        choose = createChooser(next)
      }
      return batch.map(() => undefined)
    },
  })
  return {
    get settings() {
      return settings
    },
    get changedAtMs() {
      return changedAtMs
    },
    choose: (deviceToken) => choose(deviceToken),
    replace: (next) => changes.submit(next),
  }
}
