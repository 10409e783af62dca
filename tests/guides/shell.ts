import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Scope } from '@caudal/testing/test-database.ts'
import { ROOT } from '../support/root.ts'

export interface Shell {
  /** Runs lines as if they were pasted; what they set is there for the next. */
  run(lines: string): Promise<string>
}

const CLI = join(ROOT, 'cli/bin/caudal.js')
const TIMEOUT_MS = 60_000

/** A terminal of a reader: one `sh` in a folder of its own, whose `npx caudal` is this one. */
export function startShell(scope: Scope, dataDir: string): Shell {
  const child = spawn('sh', [], { stdio: ['pipe', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
  const ended = new Promise<void>((done) => child.once('close', () => done()))
  const folder = mkdtemp(join(tmpdir(), 'caudal-test-guide-'))
  scope.after(async () => {
    child.stdin.end()
    await ended
    await rm(await folder, { recursive: true })
  })
  const say = (text: string): Promise<string> => {
    const end = `end-${randomUUID()}`
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${text}\n${said.stderr}`)), TIMEOUT_MS)
      const look = (): void => {
        const at = said.stdout.indexOf(end)
        if (at < 0) return
        clearTimeout(timer)
        child.stdout.off('data', look)
        const output = said.stdout.slice(0, at)
        said.stdout = ''
        if (said.stderr === '') resolve(output)
        else reject(new Error(`${text}\n${output}\n${said.stderr}`))
      }
      child.stdout.on('data', look)
      child.stdin.write(`${text}\nprintf '\\n%s\\n' ${end}\n`)
    })
  }
  const ready = folder.then((cwd) =>
    say(`cd '${cwd}'; npx() { shift; '${process.execPath}' '${CLI}' "$@" --data '${dataDir}'; }`),
  )
  return {
    async run(lines) {
      await ready
      return say(lines)
    },
  }
}
