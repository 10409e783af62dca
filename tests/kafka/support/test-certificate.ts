import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A self-signed certificate and its key. */
export type TestCertificate = {
  /** The path of a PKCS12 file with the key and the certificate. */
  keyStore: string
  password: string
  /** The certificate in PEM; it is its own authority. */
  ca: string
  /** The path of the certificate. */
  caFile: string
  /** The private key in PEM. */
  key: string
}

/** Creates a certificate for 127.0.0.1 in the folder, with the JDK's keytool and OpenSSL. */
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
