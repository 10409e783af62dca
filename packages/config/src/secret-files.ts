import { readFileSync } from 'node:fs'
import { ConfigError } from './environment.ts'

type Env = Readonly<Record<string, string | undefined>>

/** `KAFKA_TLS_CA_FILE` and other variables of certificates name files by themselves. */
const SECRETS = ['DATABASE_URL', 'REDIS_URL', 'PGPASSWORD', 'KAFKA_SASL_PASSWORD']
const NAMES = new RegExp(
  `^(?!.*_TLS_)(CAUDAL_\\w+|KAFKA_OAUTH_CLIENT_SECRET|${SECRETS.join('|')})_FILE$`,
)

/**
 * The variables whose values are in files: `NAME_FILE` names the file with the value of `NAME`, as
 * containers and systemd hand over secrets. Line breaks at the end of a file are left out.
 *
 * @throws {ConfigError} naming every file that cannot be read, and every value that is given twice
 */
export function readSecretFiles(env: Env): Record<string, string> {
  const problems: string[] = []
  const values: Record<string, string> = {}
  for (const [variable, path] of Object.entries(env)) {
    const name = NAMES.exec(variable)?.[1]
    if (name === undefined || !path) continue
    if (env[name]) problems.push(`${variable} must not be set beside ${name}`)
    else {
      const value = readValue(path)
      if (value.text === undefined) problems.push(`${variable} names a file that ${value.problem}`)
      else values[name] = value.text
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return values
}

function readValue(path: string): { text: string } | { text?: undefined; problem: string } {
  try {
    const text = readFileSync(path, 'utf8').replace(/[\r\n]+$/, '')
    return text === '' ? { problem: 'is empty' } : { text }
  } catch (error) {
    return { problem: `cannot be read (${(error as NodeJS.ErrnoException).code})` }
  }
}
