import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type TestCertificate = {
  /** PKCS12: the server's key and certificate. */
  keyStore: string
  password: string
  /** PEM: the certificate, which is its own authority. */
  ca: string
  /** The same in a file. */
  caFile: string
  /** PEM: its private key. */
  key: string
}

/** A certificate for 127.0.0.1, made by the JDK's own tool and OpenSSL in the folder. */
export async function testCertificate(folder: string, name: string): Promise<TestCertificate> {
  const keyStore = join(folder, `${name}.p12`)
  const pem = join(folder, `${name}.pem`)
  const password = 'only-of-a-test'
  const store = ['-alias', name, '-keystore', keyStore, '-storepass', password]
  const key = ['-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '2']
  const names = ['-dname', `CN=${name}`, '-ext', 'san=ip:127.0.0.1']
  await run('keytool', ['-genkeypair', ...store, '-storetype', 'PKCS12', ...key, ...names])
  await run('keytool', ['-exportcert', ...store, '-rfc', '-file', pem])
  const open = ['-in', keyStore, '-passin', `pass:${password}`, '-nocerts', '-nodes']
  const { stdout } = await run('openssl', ['pkcs12', ...open])
  return { keyStore, password, ca: await readFile(pem, 'utf8'), caFile: pem, key: stdout }
}
