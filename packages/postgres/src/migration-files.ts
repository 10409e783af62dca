import { readFile } from 'node:fs/promises'
import type { RunnerOption } from 'node-pg-migrate'

type Strategy = NonNullable<RunnerOption['migrationLoaderStrategies']>[number]
type Loader = Exclude<Strategy['loader'], string>

/** The first line of a file whose statements cannot run in a transaction. */
const NO_TRANSACTION = /^-- no transaction\b/
/** Stands in SQL files for the roles of the service; release 0.1.0 ran as it. */
const SERVICE_ROLES = /\bcaudal_app\b/g

/**
 * Reads .sql migrations for node-pg-migrate. A file is one transaction that waits at most
 * `lockTimeoutMs` for each lock. A file that begins with `-- no transaction` is sent statement by
 * statement; each ends with a semicolon at the end of a line. It may be interrupted between any
 * two, so it must be repeatable. `roles` replaces `caudal_app`.
 */
export function sqlFiles(lockTimeoutMs: number, roles: string): Strategy {
  const loader: Loader = (paths) =>
    Promise.all(
      paths.map(async (path) => {
        const text = (await readFile(path, 'utf8')).replaceAll(SERVICE_ROLES, () => roles)
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
