import { type RequestOutcome, tookEffect } from '../ledger/domain/outcome.ts'

/** Batches that look keys up after one that had to. */
const CAREFUL_BATCHES = 200

export interface KeyWatch {
  /** Whether the next batch may take its keys to be new. */
  keysAreNew(): boolean
  /** A batch was carried out. */
  saw(outcomes: readonly RequestOutcome[]): void
  /** A key or a reference was used before. */
  sawUsedKey(): void
}

/**
 * Looking a key and a reference up costs a command an eighth of the database's time, and nearly all
 * of them are new. A batch that takes them to be new and is wrong runs twice; so after one that was
 * wrong, or had a refusal in it, the next ones look first. A client that repeats itself all day
 * costs one batch in some hundred.
 */
export function watchKeys(): KeyWatch {
  let careful = 0
  return {
    keysAreNew() {
      if (careful === 0) return true
      careful -= 1
      return false
    },
    saw(outcomes) {
      if (!outcomes.every(tookEffect)) careful = CAREFUL_BATCHES
    },
    sawUsedKey() {
      careful = CAREFUL_BATCHES
    },
  }
}
