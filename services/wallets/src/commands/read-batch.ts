import { hash } from 'node:crypto'
import { actorOf } from '@caudal/http/actor-of.ts'
import { lacksScope } from '@caudal/http/authenticate.ts'
import { closeObjects, compileValidator } from '@caudal/http/compile-validator.ts'
import { Problem } from '@caudal/http/problem.ts'
import type { TObject } from 'typebox'
import type { AtomicBatch, ClientKind, Command } from '../ledger/domain/command.ts'
import { KINDS } from '../ledger/domain/kinds.ts'
import { BatchedCommands } from './command-schemas.ts'
import { type Asking, readCommand, readKey, requestOf } from './read-command.ts'

type Validate = (item: unknown) => { value?: unknown; error?: Problem }

const VALIDATORS: Record<string, Validate> = Object.fromEntries(
  Object.entries(BatchedCommands).map(([kind, item]) => [kind, compileItem(item)]),
)
const NAMES = Object.keys(VALIDATORS)

/**
 * Reads a command that stands for itself in a batch.
 *
 * @throws {Problem} for what is wrong with it
 */
export function readBatchedCommand(item: unknown, asking: Omit<Asking, 'key'>): Command {
  const { command: kind, idempotency_key: key, ...body } = validItem(item)
  requireScopeOf(kind, asking)
  return readCommand(requestOf(kind, body), { ...asking, key })
}

/**
 * Reads commands that take effect together. The key is the one of the request; theirs is the same.
 *
 * @throws {Problem} naming the first command with which something is wrong
 */
export function readAtomicBatch(items: readonly unknown[], asking: Asking): AtomicBatch {
  const value = readKey(asking.key)
  const commands = items.map((item, index) => {
    try {
      const { command: kind, idempotency_key: key, ...body } = validItem(item)
      requireScopeOf(kind, asking)
      if (key !== undefined) {
        throw new Problem('MALFORMED_REQUEST', 'body: idempotency_key is the one of the batch', {
          members: { param: 'idempotency_key' },
        })
      }
      return readCommand(requestOf(kind, body), asking)
    } catch (error) {
      throw error instanceof Problem ? inCommand(index, error) : error
    }
  })
  const { tenantId } = asking.identity
  const actor = actorOf(asking.identity)
  const parts = commands.map((it) => it.key.fingerprint)
  const fingerprint = hash('sha256', JSON.stringify(['atomic', ...parts]), 'hex')
  const key = { clientId: actor.id, value, fingerprint }
  return { kind: 'atomic', tenantId, actor, key, commands }
}

function requireScopeOf(kind: ClientKind, { identity }: Pick<Asking, 'identity'>): void {
  const { scope } = KINDS[kind]
  if (!identity.scopes.has(scope)) throw lacksScope([scope])
}

function validItem(item: unknown): { command: ClientKind; idempotency_key?: string } {
  const kind = (item as { command?: unknown } | null)?.command
  const validate = typeof kind === 'string' && NAMES.includes(kind) ? VALIDATORS[kind] : undefined
  if (validate === undefined) {
    throw new Problem('MALFORMED_REQUEST', `body: command must be one of ${NAMES.join(', ')}`, {
      members: { param: 'command' },
    })
  }
  const { value, error } = validate(item)
  if (error !== undefined) throw error
  return value as { command: ClientKind }
}

function compileItem(item: TObject): Validate {
  const closed = closeObjects(item) as Parameters<typeof compileValidator>[0]['schema']
  const route = { schema: closed, method: 'POST', url: '/v1/batch', httpPart: 'body' }
  return compileValidator(route) as Validate
}

function inCommand(index: number, { code, detail, extra }: Problem): Problem {
  const { param, ...members } = extra.members ?? {}
  const place = `commands.${index}${typeof param === 'string' ? `.${param}` : ''}`
  const described = `commands.${index}: ${detail ?? code}`
  return new Problem(code, described, { ...extra, members: { ...members, param: place } })
}
