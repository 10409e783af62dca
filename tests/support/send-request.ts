import { type RawResponse, sendRaw } from './send-raw.ts'

/** A request that is written byte by byte. An undefined header is left out, a list is repeated. */
export type RequestSpec = {
  method?: string
  path?: string
  headers?: Record<string, string | readonly string[] | undefined>
  /** Sent with its length, unless `headers` has another length or a transfer encoding. */
  body?: string | Buffer
}

/** A response with its content type. */
export type ParsedResponse = RawResponse & { contentType: string | undefined }

/** Sends exactly these bytes on a new connection. */
export async function sendRequest(url: string, request: RequestSpec): Promise<ParsedResponse> {
  const { method = 'GET', path = '/', body } = request
  const bytes = Buffer.from(body ?? '')
  const headers: RequestSpec['headers'] = {
    host: new URL(url).host,
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
