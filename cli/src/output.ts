/** Writes one JSON document, the whole of stdout under --json. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

/** Writes a line for people; nothing under --json. */
export function printLine(text: string, { json }: { json: boolean }): void {
  if (!json) process.stdout.write(`${text}\n`)
}

/** Progress and notes go to stderr, so that stdout stays clean. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}
