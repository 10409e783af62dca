import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/** The part of a Compose service that is looked at here. */
export type ComposeService = {
  image: string
  build?: object
  command?: string[]
  environment?: Record<string, string | number>
  healthcheck?: { test: string[] }
  depends_on?: Record<string, { condition: string }>
  profiles?: string[]
  networks?: string[]
  network_mode?: string
  ports?: string[]
  secrets?: string[]
  volumes?: string[]
  user?: string
  read_only?: boolean
  privileged?: boolean
  cap_drop?: string[]
  cap_add?: string[]
  security_opt?: string[]
  pid?: string
  ipc?: string
  userns_mode?: string
  devices?: string[]
  env_file?: string | string[]
  mem_limit?: string
  cpus?: number
  pids_limit?: number
  restart?: string
}

export type ComposeFile = {
  services: Record<string, ComposeService>
  networks: Record<string, { internal?: boolean }>
  secrets: Record<string, { file: string }>
}

export const COMPOSE_DIR = join(import.meta.dirname, '../deploy/compose')

/** The file as Compose reads it: its anchors merged, its variables in place. */
export function readComposeFile(env: Readonly<Record<string, string>>): ComposeFile {
  const text = readFileSync(join(COMPOSE_DIR, 'compose.yaml'), 'utf8')
  return parseComposeFile(text, env)
}

/** The same of a text. */
export function parseComposeFile(text: string, env: Readonly<Record<string, string>>): ComposeFile {
  return interpolate(parse(text, { merge: true }), env) as ComposeFile
}

/** What make-secrets.sh made in a folder. */
export type MadeSecrets = { folder: string; env: Record<string, string> }

/** Runs make-secrets.sh in `dir`, where it makes a folder of secrets and an .env file. */
export function makeSecrets(dir: string): MadeSecrets {
  const script = join(dir, 'make-secrets.sh')
  copyFileSync(join(COMPOSE_DIR, 'make-secrets.sh'), script)
  execFileSync('sh', [script], { stdio: 'pipe' })
  return { folder: join(dir, 'secrets'), env: readEnvFile(readFileSync(join(dir, '.env'), 'utf8')) }
}

/** A container's environment as its program sees it, with secrets in `folder`, not /run/secrets. */
export function environmentOf(
  { environment = {} }: ComposeService,
  folder: string,
): Record<string, string> {
  const entries = Object.entries(environment)
  return Object.fromEntries(
    entries.map(([name, value]) => [name, String(value).replaceAll('/run/secrets', folder)]),
  )
}

/** Names that the file asks the environment for. */
export function variablesOf(text: string): string[] {
  return [...new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name!))].toSorted()
}

/** As Compose does it: `${NAME:?}` must be there and not empty. */
function interpolate(value: unknown, env: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(/\$\{(\w+)(:\?)?\}/g, (_, name: string) => {
      const found = env[name]
      if (!found) throw new Error(`required variable ${name} is missing a value`)
      return found
    })
  }
  if (Array.isArray(value)) return value.map((item) => interpolate(item, env))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, interpolate(item, env)]),
  )
}

/** An .env file: `NAME=value`, where single quotes keep what is between them as it is. */
export function readEnvFile(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => /^\w+=/.test(line))
  return Object.fromEntries(
    lines.map((line) => {
      const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? []
      return [name, value.replace(/^'(.*)'$/, '$1')]
    }),
  )
}
