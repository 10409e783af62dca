/** How many payments may be consumed from the log. */
export interface Intake {
  /** 0 to pause. */
  capacity(): number
  /** Registers a callback for when there is capacity again after a pause. */
  onCapacity(listener: () => void): void
  /** A place became free, or payments that waited were claimed. */
  changed(): void
}

export interface IntakeOptions {
  /** Most concurrent payment requests. */
  places: number
  /** How many payments of a tenant with no call under way could begin now. */
  room: () => number
  /** How many more payments may wait in the table. */
  waitingRoom: () => number
}

const MOST_WANTED = 500
/** Payments are consumed to be sent only if this share of all places is free: no tiny batches. */
const WORTHWHILE_SHARE = 1 / 8
/** How long places may be taken before payments are consumed to wait in the table. */
const PATIENCE_MS = 100

/**
 * Payments are consumed as places become free. Where they stay taken, payments are consumed into
 * the table too, up to a bound: a tenant whose calls hang must not hide others that are behind it
 * in the log.
 */
export function createIntake({ places, room, waitingRoom }: IntakeOptions): Intake {
  let listener = (): void => {}
  let isPaused = false
  let fullSince: number | undefined
  let timer: NodeJS.Timeout | undefined

  function wanted(): number {
    const free = room()
    const bound = Math.min(MOST_WANTED, waitingRoom())
    if (free > 0 && free >= places * WORTHWHILE_SHARE) {
      fullSince = undefined
      return Math.min(free, bound)
    }
    fullSince ??= performance.now()
    return performance.now() - fullSince >= PATIENCE_MS ? bound : 0
  }

  function changed(): void {
    if (isPaused && wanted() > 0) listener()
  }

  return {
    capacity() {
      const count = Math.max(0, wanted())
      isPaused = count === 0
      if (isPaused && timer === undefined) {
        timer = setTimeout(() => {
          timer = undefined
          changed()
        }, PATIENCE_MS).unref()
      }
      return count
    },
    onCapacity: (onCapacity) => void (listener = onCapacity),
    changed,
  }
}
