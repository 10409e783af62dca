import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SCOPE, type Scope, scopesOf } from '@caudal/contracts/scopes.ts'
import { newBankSecrets } from './bank-environment.ts'

/** The OAuth clients of a development system, each with only the scopes that it needs. */
const CLIENT_SCOPES: Record<string, readonly Scope[]> = {
  'caudal-cli': scopesOf('client'),
  payments: [SCOPE.ordersRead, SCOPE.operationsCancel, SCOPE.tenantsAny],
  notifications: [SCOPE.usersRead, SCOPE.usersWrite, SCOPE.tenantsAny],
}

/** The secret of each OAuth client, and those that the simulated banks share with the processor. */
export type Secrets = Record<string, string>

/** Generates a secret for each client, and those of the banks. */
export function newSecrets(): Secrets {
  const secrets: Secrets = newBankSecrets()
  for (const name of Object.keys(CLIENT_SCOPES)) {
    secrets[name] = randomBytes(24).toString('base64url')
  }
  return secrets
}

/**
 * Reads the secrets of a data directory, with mode 0600; a start generates those that are missing:
 * all of a new directory, some of one of an earlier release.
 */
export async function readOrMakeSecrets(dataDir: string): Promise<Secrets> {
  const file = join(dataDir, 'secrets.json')
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const known = parseSecrets(text)
  const made = newSecrets()
  if (Object.keys(made).every((name) => known[name] !== undefined)) return known
  const secrets = { ...made, ...known }
  await writeFile(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 })
  return secrets
}

/** A missing or damaged file gives no secrets, which are then generated: no one else has them. */
function parseSecrets(text: string): Secrets {
  try {
    return JSON.parse(text) as Secrets
  } catch {
    return {}
  }
}

/** The environment variables in which the services get their secrets. */
export function secretEnvironment(secrets: Secrets): NodeJS.ProcessEnv {
  const clients = Object.entries(CLIENT_SCOPES).map(([client_id, scopes]) => ({
    client_id,
    client_secret: secrets[client_id],
    scopes,
    grants:
      client_id === 'caudal-cli'
        ? ['client_credentials', 'urn:caudal:params:oauth:grant-type:development-login']
        : ['client_credentials'],
  }))
  return {
    CAUDAL_IDENTITY_CLIENTS: JSON.stringify(clients),
    CAUDAL_DEVELOPMENT_LOGIN: 'true',
    CAUDAL_PAYMENTS_CLIENT_SECRET: secrets['payments'],
    CAUDAL_NOTIFICATIONS_CLIENT_SECRET: secrets['notifications'],
  }
}
