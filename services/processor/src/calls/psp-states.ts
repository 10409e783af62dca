import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { PspState } from '../domain/psp-state.ts'
import { findPspStates } from '../store/psp-states.ts'

/** The states of the PSPs as this instance knows them, a second old at most. */
export type PspStates = {
  of(psp: string): PspState
  /** Reads them now. */
  refresh(): Promise<void>
  /** Registers a callback for changes. */
  onChange(listener: () => void): void
  stop(): Promise<void>
}

const REFRESH_MS = 1_000

/** Reads the states, which must succeed, and then again every second. */
export async function watchPspStates(db: Db, logger: Logger): Promise<PspStates> {
  let states = await findPspStates(db)
  let listener = (): void => {}
  let timer: NodeJS.Timeout | undefined
  let reading = Promise.resolve()
  let isStopped = false

  async function refresh(): Promise<void> {
    const found = await findPspStates(db)
    const isSame =
      found.size === states.size && [...found].every(([psp, it]) => it === stateOf(psp))
    states = found
    if (!isSame) listener()
  }
  function stateOf(psp: string): PspState {
    return states.get(psp) ?? 'enabled'
  }
  function schedule(): void {
    if (isStopped) return
    timer = setTimeout(() => {
      // Without the database nothing is sent anyway; the states stay as they were.
      reading = refresh()
        .catch((error: unknown) => logger.warn({ err: error }, 'could not read the PSP states'))
        .finally(schedule)
    }, REFRESH_MS).unref()
  }
  schedule()
  return {
    of: stateOf,
    refresh,
    onChange: (onChange) => void (listener = onChange),
    async stop() {
      isStopped = true
      clearTimeout(timer)
      await reading
    },
  }
}
