import { type RawAnswer, sendRaw } from './send-raw.ts'

/** A request written out by hand. A header that is undefined is left out, a list is repeated. */
export type Ask = {
  method?: string
  path?: string
  headers?: Record<string, string | readonly string[] | undefined>
  /** Sent with its length, unless `headers` speak of another or of chunks. */
  body?: string | Buffer
}

export type Answered = RawAnswer & { contentType: string | undefined }

/** Sends the request on a connection of its own, to the byte. */
export async function ask(url: string, request: Ask): Promise<Answered> {
  const { method = 'GET', path = '/', body } = request
  const bytes = Buffer.from(body ?? '')
  const headers: Ask['headers'] = {
    host: 'gateway.test',
    connection: 'close',
    ...(body !== undefined && { 'content-length': String(bytes.length) }),
    ...request.headers,
  }
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one) => `${name}: ${one}`),
  )
  const head = [`${method} ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n')
  const answer = await sendRaw(url, Buffer.concat([Buffer.from(head, 'latin1'), bytes]))
  return { ...answer, contentType: answer.headers.get('content-type') }
}
