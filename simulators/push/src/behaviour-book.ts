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

/** The behaviour in force. */
export interface BehaviourBook {
  readonly settings: BehaviourSettings
  /** Since when, in milliseconds of Unix time. */
  readonly changedAtMs: number
  choose(deviceToken: string): Behaviour
  /** Stores the settings, then puts them in force. */
  replace(settings: BehaviourSettings): Promise<void>
}

/** Opens the book with the stored settings; without any, every push is fine. */
export async function openBehaviourBook(db: Db): Promise<BehaviourBook> {
  const stored = await loadSettings(db)
  let settings = stored?.settings ?? completeSettings({})
  let changedAtMs = stored?.changedAt.getTime() ?? Date.now()
  let choose = createChooser(settings)
  // One after the other, so that what is stored last is what is in force.
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
