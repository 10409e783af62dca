/** The deadline for writing a call to a socket and for its answer. */
export interface Deadline {
  /** 0 when it has passed. */
  remainingMs(): number
}

/**
 * A deadline in `timeoutMs` from now. Of two clocks the later one counts: the monotonic one stands
 * still while the machine sleeps, the other may be set.
 */
export function deadlineIn(timeoutMs: number): Deadline {
  const monotonicMs = performance.now() + timeoutMs
  const wallMs = Date.now() + timeoutMs
  return {
    remainingMs: () => Math.max(0, Math.min(monotonicMs - performance.now(), wallMs - Date.now())),
  }
}
