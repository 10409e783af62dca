const MAX_SECONDS = 86_400

/**
 * The header `Retry-After` in milliseconds: seconds or an HTTP date (RFC 9110), a day at most; null
 * when it is neither, or not in the future.
 */
export function retryAfterMs(header: unknown, nowMs: number): number | null {
  const text = typeof header === 'string' ? header.trim() : ''
  if (text === '') return null
  const delayMs = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs
  return delayMs > 0 ? Math.min(Math.ceil(delayMs), MAX_SECONDS * 1_000) : null
}
