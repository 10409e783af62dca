import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeClusterId } from './cluster-identity.ts'
import { ADMIN_ROLE, type ClusterState } from './cluster-state.ts'
import { programPath } from './find-binaries.ts'
import { explainOutput } from './local-postgres-error.ts'
import { serverEnvironment } from './server-environment.ts'

/** A cluster to create. */
export interface NewCluster {
  installation: string
  dataDir: string
  state: ClusterState
  /** For temporary clusters: initdb does not sync to the disk. */
  throwaway: boolean
}

/**
 * Runs initdb under a temporary name and renames the folder when it is complete, so that a crash
 * leaves no incomplete cluster.
 */
export async function createCluster(cluster: NewCluster): Promise<void> {
  const { id, clusterDir, account, passwords } = cluster.state
  const draft = `${clusterDir}.new`
  const passwordFile = join(dirname(clusterDir), 'initdb-password')
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  try {
    await writeFile(passwordFile, `${passwords[ADMIN_ROLE]}\n`, { mode: 0o600 })
    if (account !== null) {
      await chown(draft, account.uid, account.gid)
      await chown(passwordFile, account.uid, account.gid)
    }
    await runInitdb(cluster, draft, passwordFile)
    if (id !== null) await writeClusterId(draft, id)
    await rename(draft, clusterDir)
  } finally {
    await rm(passwordFile, { force: true })
  }
}

async function runInitdb(
  { installation, dataDir, state, throwaway }: NewCluster,
  target: string,
  passwordFile: string,
): Promise<void> {
  const program = programPath(installation, 'initdb')
  const args = [
    `--pgdata=${target}`,
    `--username=${ADMIN_ROLE}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The builtin provider sorts and folds the same way on every machine, whatever its locales.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    ...(throwaway ? ['--no-sync'] : []),
  ]
  const child = spawn(program, args, {
    ...state.account,
    cwd: installation,
    env: serverEnvironment(),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const collect = (chunk: Buffer) => (output += chunk.toString())
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  await once(child, 'close')
  if (child.exitCode !== 0) throw await explainOutput(output, { program: 'initdb', dataDir })
}
