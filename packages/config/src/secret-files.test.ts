import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ConfigError } from './environment.ts'
import { readSecretFiles } from './secret-files.ts'

async function fileWith(t: TestContext, text: string | Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'caudal-secrets-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'secret')
  await writeFile(file, text)
  return file
}

test('a secret is read from the file that NAME_FILE names, without its last line break', async (t) => {
  const file = await fileWith(t, 'correct horse\n')
  const names = [
    'DATABASE_URL',
    'PGPASSWORD',
    'REDIS_URL',
    'KAFKA_SASL_PASSWORD',
    'KAFKA_OAUTH_CLIENT_SECRET',
    'CAUDAL_PAYMENTS_CLIENT_SECRET',
  ]
  const env = Object.fromEntries(names.map((name) => [`${name}_FILE`, file]))
  const expected = Object.fromEntries(names.map((name) => [name, 'correct horse']))
  assert.deepEqual(readSecretFiles(env), expected)
})

test('variables that name a file by themselves are left as they are', async (t) => {
  const file = await fileWith(t, 'authority')
  const env = {
    KAFKA_TLS_CA_FILE: file,
    KAFKA_OAUTH_TOKEN_FILE: '/nowhere',
    CAUDAL_PUSH_APNS_TLS_KEY_FILE: file,
    LESSKEY_FILE: file,
  }
  assert.deepEqual(readSecretFiles(env), {})
})

test('every file of a secret that cannot be used is named, and no secret', async (t) => {
  const [file, empty] = [await fileWith(t, 'correct horse'), await fileWith(t, '\n')]
  const env = {
    CAUDAL_PSP_API_KEY_FILE: '/nowhere/key',
    REDIS_URL_FILE: empty,
    PGPASSWORD: 'battery staple',
    PGPASSWORD_FILE: file,
  }
  assert.throws(
    () => readSecretFiles(env),
    (error) => {
      assert.ok(error instanceof ConfigError)
      assert.deepEqual(error.problems, [
        'CAUDAL_PSP_API_KEY_FILE names a file that cannot be read (ENOENT)',
        'REDIS_URL_FILE names a file that is empty',
        'PGPASSWORD_FILE must not be set beside PGPASSWORD',
      ])
      assert.doesNotMatch(error.message, /horse|staple/)
      return true
    },
  )
})

test('a file that holds no secret is refused, not read to its end nor cut', async (t) => {
  const env = {
    CAUDAL_PSP_API_KEY_FILE: '/dev/zero',
    DATABASE_URL_FILE: await fileWith(t, Buffer.from([0x70, 0xe4, 0x73])),
    KAFKA_SASL_PASSWORD_FILE: tmpdir(),
    PGPASSWORD_FILE: await fileWith(t, 'correct\0horse'),
    REDIS_URL_FILE: await fileWith(t, '\r\n'.repeat(1_000)),
  }
  assert.throws(
    () => readSecretFiles(env),
    (error) => {
      assert.ok(error instanceof ConfigError)
      assert.deepEqual(error.problems, [
        'CAUDAL_PSP_API_KEY_FILE names a file that has more than 1 MiB',
        'DATABASE_URL_FILE names a file that is not in UTF-8',
        'KAFKA_SASL_PASSWORD_FILE names a file that cannot be read (EISDIR)',
        'PGPASSWORD_FILE names a file that has U+0000 in it',
        'REDIS_URL_FILE names a file that is empty',
      ])
      return true
    },
  )
})
