/** Prints one JSON document; with --json, nothing else goes to stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

/** Prints a line of text, unless --json is set. */
export function printLine(text: string, { json }: { json: boolean }): void {
  if (!json) process.stdout.write(`${text}\n`)
}

/** Prints progress and notes to stderr, so that stdout has only results. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}
