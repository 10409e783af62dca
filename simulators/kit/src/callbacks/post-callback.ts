import { Agent, request } from 'undici'

/** As many requests to the receiver as a bank has under way at once. */
const MOST_CONNECTIONS = 16
const TIMEOUT_MS = 5_000
const KEEP_ALIVE_MS = 30_000
const MOST_ANSWER_BYTES = 64 * 1024

/** Posts a JSON text once. Returns whether the answer was 2xx; any fault is "no". */
export type CallbackPoster = {
  post(url: string, message: { headers: Record<string, string>; body: string }): Promise<boolean>
  /** Ends the requests under way, and all later ones: their callbacks count as not delivered. */
  close(): Promise<void>
}

/** Opens the connections of a bank to the receivers of its callbacks; never through a proxy. */
export function createCallbackPoster(): CallbackPoster {
  const dispatcher = new Agent({
    connections: MOST_CONNECTIONS,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    connect: { timeout: TIMEOUT_MS },
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxResponseSize: MOST_ANSWER_BYTES,
  })
  return {
    async post(url, { headers, body }) {
      try {
        const answer = await request(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body,
          dispatcher,
        })
        await answer.body.dump()
        return answer.statusCode >= 200 && answer.statusCode < 300
      } catch {
        return false
      }
    },
    close: () => dispatcher.destroy(),
  }
}
