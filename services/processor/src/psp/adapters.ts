import type { PspAdapter } from './adapter.ts'
import { createAsyncbankAdapter } from './asyncbank-adapter.ts'
import { isAsyncbankSecret } from './asyncbank-callbacks.ts'
import { createSyncbankAdapter } from './syncbank-adapter.ts'

type Credentials = { apiKey?: string | undefined }
type AdapterRow = {
  create: (credentials: Credentials) => PspAdapter
  isSecret: (text: string) => boolean
}

const SHORTEST_SECRET = 8

/** Every adapter. A new one is a row here and its file. */
const ADAPTERS = {
  syncbank: {
    create: createSyncbankAdapter,
    isSecret: (text: string) => text.length >= SHORTEST_SECRET,
  },
  asyncbank: { create: createAsyncbankAdapter, isSecret: isAsyncbankSecret },
} as const satisfies Readonly<Record<string, AdapterRow>>

export type AdapterName = keyof typeof ADAPTERS

export const ADAPTER_NAMES = Object.keys(ADAPTERS) as AdapterName[]

/** Whether an adapter has this name. */
export function isAdapterName(text: string): text is AdapterName {
  return Object.hasOwn(ADAPTERS, text)
}

/** Whether the text has the form of a secret for the callbacks of this adapter. */
export function isCallbackSecret(adapter: AdapterName, text: string): boolean {
  return ADAPTERS[adapter].isSecret(text)
}

/** Creates the adapter of a PSP with its credentials. */
export function createAdapter(name: AdapterName, credentials: Credentials): PspAdapter {
  return ADAPTERS[name].create(credentials)
}
