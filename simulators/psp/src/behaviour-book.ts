import { createBatcher } from '@caudal/batching/create-batcher.ts'
import type { Db } from '@caudal/postgres/types.ts'
import {
  type BehaviourChooser,
  type BehaviourSettings,
  createChooser,
} from './domain/behaviour-settings.ts'
import { loadSettings } from './store/load-settings.ts'
import { saveSettings } from './store/save-settings.ts'

/** The behaviour in force. */
export interface BehaviourBook {
  readonly settings: BehaviourSettings
  readonly chooser: BehaviourChooser
  /** Stores the settings, then puts them in force; the sequence of chances starts over. */
  replace(settings: BehaviourSettings): Promise<void>
}

/** Opens the book with the stored settings, or with `fallback` when none were ever stored. */
export async function openBehaviourBook(
  db: Db,
  fallback: BehaviourSettings,
): Promise<BehaviourBook> {
  let settings = (await loadSettings(db)) ?? fallback
  let chooser = createChooser(settings)
  // One after the other, so that what is stored last is what is in force.
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
