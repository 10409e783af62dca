import type { ServerResponse } from 'node:http'

/** One of the answers to requests that were sent together. */
export interface AnswerLine {
  /** The place of its request. */
  index: number
  status: number
  headers: Record<string, string>
  body: string
}

/** Writes the lines of one turn of the event loop together, and ends after the last line. */
export function lineWriter(response: ServerResponse, count: number): (line: AnswerLine) => void {
  let lines = ''
  let left = count
  const flush = (): void => {
    const text = lines
    lines = ''
    if (left === 0) response.end(text)
    else response.write(text)
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  if (count === 0) response.end()
  return (line) => {
    if (lines === '') setImmediate(flush)
    lines += `${JSON.stringify(line)}\n`
    left -= 1
  }
}
