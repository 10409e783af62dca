import { closeSync, openSync, readSync } from 'node:fs'
import { ConfigError } from './environment.ts'

type Env = Readonly<Record<string, string | undefined>>

/** `KAFKA_TLS_CA_FILE` and other variables of certificates name files by themselves. */
const SECRETS = ['DATABASE_URL', 'REDIS_URL', 'PGPASSWORD', 'KAFKA_SASL_PASSWORD']
const NAMES = new RegExp(
  `^(?!.*_TLS_)(CAUDAL_\\w+|KAFKA_OAUTH_CLIENT_SECRET|${SECRETS.join('|')})_FILE$`,
)

/** More than any secret or list of clients has. */
const MAX_BYTES = 1024 * 1024
const UTF8 = new TextDecoder('utf-8', { fatal: true })

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
    const bytes = readUpTo(path, MAX_BYTES + 1)
    if (bytes.length > MAX_BYTES) return { problem: 'has more than 1 MiB' }
    const text = UTF8.decode(bytes).replace(/(?<![\r\n])[\r\n]+$/, '')
    // The environment ends a value at U+0000.
    if (text.includes('\0')) return { problem: 'has U+0000 in it' }
    return text === '' ? { problem: 'is empty' } : { text }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return { problem: 'is not in UTF-8' }
    return { problem: `cannot be read (${code})` }
  }
}

/** A file may be a pipe, whose size is not known before its end. */
function readUpTo(path: string, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  const file = openSync(path, 'r')
  try {
    let length = 0
    for (let read = -1; read !== 0 && length < bytes; length += read) {
      read = readSync(file, buffer, length, bytes - length, null)
    }
    return buffer.subarray(0, length)
  } finally {
    closeSync(file)
  }
}
