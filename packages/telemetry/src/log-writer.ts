import { write, writeSync } from 'node:fs'

/** Where a process writes its log lines. */
export type LogWriter = {
  write(line: string): void
  /** Writes what waits before it returns, for about a second at most. */
  flush(): void
}

/** What waits for a slow reader, in characters; lines beyond it are dropped. */
const MAX_WAITING = 16 * 1024 * 1024
const RETRY_MS = 10
const FLUSH_ATTEMPTS = 100
const NOTHING = Buffer.alloc(0)

/**
 * Writes lines to a file descriptor in the background, those that gathered meanwhile together. A
 * process does not depend on its log: lines that cannot be written, because nobody reads them any
 * more or the disk is full, are dropped, and the next ones are tried. It never waits for them.
 */
export function createLogWriter(fd: number): LogWriter {
  let lines: string[] = []
  let size = 0
  let underWay = false
  /** What the reader had no room for. It comes before the lines, and is tried again. */
  let delayed: Buffer = NOTHING

  const take = (): Buffer => {
    const bytes = Buffer.from(lines.join(''))
    lines = []
    size = 0
    return bytes
  }
  const takeDelayed = (): Buffer => {
    const bytes = delayed
    delayed = NOTHING
    return bytes
  }
  const writeNext = (): void => {
    underWay = lines.length > 0
    if (underWay) writeBytes(take())
  }
  const writeBytes = (bytes: Buffer): void => {
    write(fd, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') {
        delayed = bytes
        setTimeout(() => writeBytes(takeDelayed()), RETRY_MS)
      } else if (error === null && written < bytes.length) {
        writeBytes(bytes.subarray(written))
      } else {
        writeNext()
      }
    })
  }
  return {
    write(line) {
      if (size + line.length > MAX_WAITING) return
      lines.push(line)
      size += line.length
      if (!underWay) writeNext()
    },
    flush: () => writeNow(fd, Buffer.concat([takeDelayed(), take()])),
  }
}

function writeNow(fd: number, bytes: Buffer): void {
  let rest = bytes
  for (let attempt = 0; rest.length > 0 && attempt < FLUSH_ATTEMPTS; attempt += 1) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
    }
  }
}
