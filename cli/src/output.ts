import { EXIT } from './exit-code.ts'

/** The reader of a pipe ended, or the terminal was closed. */
const LOST_READER = new Set(['EPIPE', 'ECONNRESET', 'EIO'])

/**
 * Lets the command go on after the reader of its output is gone, as in `caudal start | head -1`:
 * what it prints is discarded. Any other fault of the output, such as a full disk, is reported when
 * a command that succeeded ends, because its result is incomplete.
 */
export function surviveLostReaders(): void {
  let fault: Error | undefined
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (LOST_READER.has(error.code ?? '') || fault !== undefined) return
      fault = error
      if (stream === process.stdout) note(`caudal: could not write the output: ${error.message}`)
    })
  }
  process.once('exit', (code) => {
    if (fault !== undefined && code === EXIT.done) process.exitCode = EXIT.unreachable
  })
}

/** Prints one JSON document; with --json, nothing else goes to stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

/** Prints a line of text, unless --json is set. */
export function printLine(text: string, { json }: { json: boolean }): void {
  if (!json) process.stdout.write(`${printable(text)}\n`)
}

/** Prints progress and notes to stderr, so that stdout has only results. */
export function note(text: string): void {
  process.stderr.write(`${printable(text)}\n`)
}

/**
 * The text with its control characters, except line breaks and tabs, as JSON writes them: what a
 * foreign record or a service answers cannot command the terminal.
 */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
