import type { Deadline } from './adapter.ts'

/**
 * A deadline in `timeoutMs` from now. Two clocks are asked and the later one believed: the
 * monotonic one stands still while the machine sleeps, the other may be set.
 */
export function deadlineIn(timeoutMs: number): Deadline {
  const monotonicMs = performance.now() + timeoutMs
  const wallMs = Date.now() + timeoutMs
  return {
    remainingMs: () => Math.max(0, Math.min(monotonicMs - performance.now(), wallMs - Date.now())),
  }
}
