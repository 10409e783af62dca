import { readFile } from 'node:fs/promises'
import type { RunnerOption } from 'node-pg-migrate'

type Strategy = NonNullable<RunnerOption['migrationLoaderStrategies']>[number]
type Loader = Exclude<Strategy['loader'], string>

/** The first line of a file whose statements cannot run in a transaction. */
const NO_TRANSACTION = /^-- no transaction\b/

/**
 * Reads .sql migrations for node-pg-migrate. A file is one transaction that waits at most
 * `lockTimeoutMs` for each lock. A file that begins with `-- no transaction` is sent statement by
 * statement; each ends with a semicolon at the end of a line. It may be interrupted between any
 * two, so it must be repeatable.
 */
export function sqlFiles(lockTimeoutMs: number): Strategy {
  const loader: Loader = (paths) =>
    Promise.all(
      paths.map(async (path) => {
        const text = await readFile(path, 'utf8')
        return { id: path, filePaths: [path], actions: { up: stepsOf(text, lockTimeoutMs) } }
      }),
    )
  return { extensions: ['.sql'], loader }
}

type Up = Extract<
  Awaited<ReturnType<Loader>>[number]['actions']['up'],
  (...args: never[]) => unknown
>

function stepsOf(text: string, lockTimeoutMs: number): Up {
  return (builder) => {
    if (!NO_TRANSACTION.test(text)) {
      builder.sql(`SET LOCAL lock_timeout = '${lockTimeoutMs}ms'`)
      builder.sql(text)
      return
    }
    builder.noTransaction()
    for (const statement of text.split(/;[ \t]*$/m)) {
      if (statement.trim() !== '') builder.sql(statement)
    }
  }
}
