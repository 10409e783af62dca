import { directDispatcher } from '@caudal/http/direct-dispatcher.ts'
import { request } from 'undici'

const TIMEOUT_MS = 5_000

/** Posts a JSON text once. Returns whether the answer was 2xx; any fault is "no". */
export async function postCallback(
  url: string,
  { headers, body }: { headers: Record<string, string>; body: string },
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const answer = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      dispatcher: directDispatcher,
    })
    await answer.body.dump()
    return answer.statusCode >= 200 && answer.statusCode < 300
  } catch {
    return false
  }
}
