/** Counts calls and their failures over the last time, in ten steps. */
export interface FailureWindow {
  add(failed: boolean): void
  counts(): Readonly<Counts>
  clear(): void
}

export interface Counts {
  calls: number
  failures: number
}

const STEPS = 10

/** Creates an empty window of this length. */
export function createFailureWindow(windowMs: number): FailureWindow {
  const stepMs = Math.max(1, windowMs / STEPS)
  const steps = Array.from({ length: STEPS }, (): Counts => ({ calls: 0, failures: 0 }))
  const total: Counts = { calls: 0, failures: 0 }
  let newest = Math.floor(Date.now() / stepMs)

  /** Forgets the steps that have left the window. */
  function roll(): Counts {
    const current = Math.max(newest, Math.floor(Date.now() / stepMs))
    for (let step = Math.max(newest + 1, current - STEPS + 1); step <= current; step += 1) {
      const old = steps[step % STEPS]!
      total.calls -= old.calls
      total.failures -= old.failures
      steps[step % STEPS] = { calls: 0, failures: 0 }
    }
    newest = current
    return steps[newest % STEPS]!
  }

  return {
    add(failed) {
      const step = roll()
      for (const counts of [step, total]) {
        counts.calls += 1
        if (failed) counts.failures += 1
      }
    },
    counts() {
      roll()
      return total
    },
    clear() {
      for (const counts of [...steps, total]) Object.assign(counts, { calls: 0, failures: 0 })
    },
  }
}
