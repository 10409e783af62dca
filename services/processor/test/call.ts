import { request } from 'undici'

export type Got = { status: number; text: string; json: () => Record<string, unknown> }

/** One request on its own connection, so that no connection stays open after the tests. */
export async function call(
  url: string,
  options: { method?: 'GET' | 'POST' | 'PUT'; token?: string; body?: unknown } = {},
): Promise<Got> {
  const { method = 'GET', token, body } = options
  const { statusCode, body: answer } = await request(url, {
    method,
    reset: true,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await answer.text()
  return { status: statusCode, text, json: () => JSON.parse(text) as Record<string, unknown> }
}
