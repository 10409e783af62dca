import { Agent, request } from 'undici'

const KEEP_ALIVE_MS = 30_000
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

/**
 * Calls without a proxy. With NODE_USE_ENV_PROXY, Node sends whatever has no dispatcher of its own,
 * `fetch` too, to the proxy of HTTP_PROXY: that of the machine does not know the services, and must
 * not see their tokens.
 */
export const directDispatcher = new Agent({
  keepAliveTimeout: KEEP_ALIVE_MS,
  maxResponseSize: MAX_ANSWER_BYTES,
})

/** Fetches a document without a proxy, for libraries that take a function like `fetch`. */
export async function fetchDirectly(
  url: string,
  { headers, signal }: { headers: Headers; signal: AbortSignal },
): Promise<Response> {
  const { statusCode, body } = await request(url, {
    headers: Object.fromEntries(headers),
    signal,
    dispatcher: directDispatcher,
  })
  return new Response(await body.text(), { status: statusCode })
}
