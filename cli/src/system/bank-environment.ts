import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'

const SYNC = 'callbacks-main'
const ASYNC = 'callbacks-asyncbank'
const API_KEY = 'asyncbank-api-key'
const KEY_ID = 'k1'
const KEY_BYTES = 32
/** The services between which callbacks go. */
const PARTS = ['psp', 'asyncbank', 'processor', 'api-gateway']
/** What PKCS #8 puts before the 32 bytes of an Ed25519 key. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Generates what the simulated banks and the processor share. */
export function newBankSecrets(): Record<string, string> {
  return {
    [SYNC]: randomBytes(24).toString('base64url'),
    [ASYNC]: randomBytes(KEY_BYTES).toString('base64'),
    [API_KEY]: randomBytes(24).toString('base64url'),
  }
}

/** Whether these services are both banks, the processor and the gateway between them. */
export function hasBanks(names: readonly string[]): boolean {
  return PARTS.every((part) => names.includes(part))
}

/**
 * The variables by which both simulated banks are PSPs of the processor, and send their callbacks
 * through the gateway. Payments go to the first one unless `CAUDAL_PSP_ROUTES` sends them
 * elsewhere.
 */
export function bankEnvironment(
  secrets: Readonly<Record<string, string>>,
  { gatewayUrl, asyncbankUrl }: { gatewayUrl: string; asyncbankUrl: string },
): NodeJS.ProcessEnv {
  const key = secrets[ASYNC] ?? ''
  return {
    CAUDAL_PSP_SIMULATOR_CALLBACK_URL: `${gatewayUrl}/callbacks/main/main`,
    CAUDAL_PSP_SIMULATOR_CALLBACK_SECRETS: secrets[SYNC],
    CAUDAL_PSP_CALLBACK_SECRETS: secrets[SYNC],
    CAUDAL_ASYNCBANK_SIMULATOR_CALLBACK_URL: `${gatewayUrl}/callbacks/asyncbank/main`,
    CAUDAL_ASYNCBANK_SIMULATOR_CALLBACK_KEYID: KEY_ID,
    CAUDAL_ASYNCBANK_SIMULATOR_CALLBACK_KEY: key,
    CAUDAL_ASYNCBANK_SIMULATOR_API_KEY: secrets[API_KEY],
    CAUDAL_PSPS: 'asyncbank',
    CAUDAL_PSP_ASYNCBANK_URL: asyncbankUrl,
    CAUDAL_PSP_ASYNCBANK_API_KEY: secrets[API_KEY],
    CAUDAL_PSP_ASYNCBANK_CALLBACK_SECRETS: `${KEY_ID}:${publicKeyOf(key)}`,
  }
}

/** The public key of an Ed25519 key, both as 32 bytes in base64. */
function publicKeyOf(privateKey: string): string {
  const der = Buffer.concat([PKCS8, Buffer.from(privateKey, 'base64')])
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  const { x = '' } = key.export({ format: 'jwk' })
  return Buffer.from(x, 'base64url').toString('base64')
}
